"""What is sent."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A letter of plain text to one person; nothing of it belongs into a log."""

    to: str = field(repr=False)
    subject: str = field(repr=False)
    text: str = field(repr=False)

"""Models of email."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Email:
    """A plain-text email to one person; nothing of it may be logged."""

    to: str = field(repr=False)
    subject: str = field(repr=False)
    text: str = field(repr=False)

"""Errors of links, apart from those of their target."""

from avenue.errors import Invalid


class LinkTooLong(Invalid):
    """A link was to be good for longer than links may be; `limit_seconds` says how long."""

    message = "A link can be valid for up to {limit_days} days."
    hint = "Request a shorter `expires_in`, and a new link when that one expires."

    def __init__(self, limit_days: int) -> None:
        super().__init__(words={"limit_days": limit_days}, limit_seconds=limit_days * 24 * 60 * 60)

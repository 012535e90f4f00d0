"""What a link can be refused for, besides what it would lead to."""

from avenue.errors import Invalid


class LinkTooLong(Invalid):
    """A link was to be good for longer than links may be; `limit_seconds` says how long."""

    code = "link_too_long"
    message = "A link may be good for {limit_days} days at most."
    hint = "Ask for a shorter `expires_in`, and for a new link when that one has expired."

    def __init__(self, limit_days: int) -> None:
        super().__init__(words={"limit_days": limit_days}, limit_seconds=limit_days * 24 * 60 * 60)

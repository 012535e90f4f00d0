"""What a sender raises; it never leaves this package."""


class Refused(Exception):
    """A receiver that is there did not take one message: others may be sent meanwhile.

    `reason` is a code; `is_final` when it need not be sent again.
    """

    def __init__(self, reason: str | None, *, is_final: bool = False) -> None:
        self.reason = reason
        self.is_final = is_final
        super().__init__(reason)

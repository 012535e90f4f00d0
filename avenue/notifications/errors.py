"""An exception of senders that never leaves this package."""


class Refused(Exception):
    """A reachable receiver rejected one message: others may be sent meanwhile.

    `reason` is a code; `is_final` if it need not be sent again.
    """

    def __init__(self, reason: str | None, *, is_final: bool = False) -> None:
        self.reason = reason
        self.is_final = is_final
        super().__init__(reason)

"""What a ZIP can be refused for, besides what would be in it."""

from avenue.errors import AvenueError


class ZipTooLarge(AvenueError):
    """The uploads are more than one ZIP may have; `bytes` and `limit_bytes` say how many."""

    status = 413
    code = "zip_too_large"
    message = "These files have {megabytes} MB together; a ZIP may have {limit_mb} MB."
    hint = "Take fewer at once."

    def __init__(self, *, length: int, limit_mb: int) -> None:
        megabytes = -(-length // 1024**2)
        super().__init__(
            words={"megabytes": megabytes, "limit_mb": limit_mb},
            bytes=length,
            limit_bytes=limit_mb * 1024**2,
        )

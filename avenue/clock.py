"""The application's time. Decisions about deletion use the server's time instead (`$$NOW`)."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Return the current time, aware and in UTC, in whole milliseconds as MongoDB keeps them."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def iso(moment: datetime) -> str:
    """Return `moment` as UTC ISO-8601 with a `Z`, to the millisecond."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

"""Numbers of bytes in English; `web.pages.size` writes them as the reader of a page does."""

KILO = 1000
"""Disks are sold and traffic is paid by it, so MB and GB of disks and databases are 10⁶ and 10⁹.

What a person uploads, and may upload, is counted by 1024, as file managers do.
"""


def size(count: float) -> str:
    """Return a number of bytes as `3.2 MB`."""
    amount, unit = float(count), "B"
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if round(amount) < KILO or unit == "TB":
            break
        amount /= KILO
    return f"{amount:.0f} {unit}" if unit in {"B", "kB"} else f"{amount:.1f} {unit}"

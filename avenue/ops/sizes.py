"""Numbers of bytes in English; `web.pages.size` writes them as the reader of a page does."""

KILO = 1024
FROM_NEXT = 1000
"""From here on the next unit is written: 1 MB, not 1,021 kB."""


def size(count: float) -> str:
    """Return a number of bytes as `3.2 MB`."""
    amount, unit = float(count), "B"
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if round(amount) < FROM_NEXT or unit == "TB":
            break
        amount /= KILO
    return f"{amount:.0f} {unit}" if unit in {"B", "kB"} else f"{amount:.1f} {unit}"

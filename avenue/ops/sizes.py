"""Numbers of bytes in English; `web.pages.size` writes them as the reader of a page does."""

KILO = 1024


def size(count: float) -> str:
    """Return a number of bytes as `3.2 MB`."""
    amount, unit = float(count), "B"
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if amount < KILO or unit == "TB":
            break
        amount /= KILO
    return f"{amount:.0f} {unit}" if unit in {"B", "kB"} else f"{amount:.1f} {unit}"

"""Why nothing was scanned.

::

    AvenueError
    └── Unavailable        503
        └── ScannerAway        the scanner cannot be reached, or cannot scan just now
"""

from avenue.errors import Unavailable


class ScannerAway(Unavailable):
    """The scanner is unreachable, takes too long, or reports that it cannot scan."""

    message = "Files cannot be scanned right now."
    hint = "Nothing was saved. Send the same file again after the time in Retry-After."
    retry_after_seconds = 30

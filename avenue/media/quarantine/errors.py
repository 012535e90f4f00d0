"""What can go wrong with files in quarantine.

::

    AvenueError
    └── Conflict           409
        └── NotInQuarantine     it is not there, or not any more
"""

from avenue.errors import Conflict


class NotInQuarantine(Conflict):
    """The file is not in quarantine, or no longer."""

    message = "This file is not in quarantine."
    hint = "Someone may have released it already; check the list."

"""Every number by which anything is judged. Nothing else has one of its own."""

from collections.abc import Mapping
from datetime import timedelta

from avenue.health.models import Level

# What runs full or out, the mildest level first; that of percents is AVENUE_ALERT_LEVELS.
MARGIN_PERCENT = 5
"""So many points below its threshold a level of percents ends."""
OPLOG_HOURS = (24.0, 12.0, 1.0)
"""At the last one `/readyz` fails: a member that is restarted may not catch up any more."""
OPLOG_MARGIN = 1.25
WANTED_OPLOG_HOURS = 72
ERROR_PERCENT = (1.0, 5.0, 20.0)
ERROR_MARGIN = 0.5
LEAST_REQUESTS = 500
"""The share of errors is one of at least so many: a single one at night is none of 20 %."""
CALM_SNAPSHOTS = 3
"""A level ends when it was not held in so many."""
COOLDOWNS: Mapping[Level, timedelta] = {
    Level.NOTICE: timedelta(days=7),
    Level.WARNING: timedelta(hours=48),
    Level.CRITICAL: timedelta(hours=24),
}
"""What is not over and nobody has acknowledged is told again after so long."""

# What was found
MOST_FOUND = 1_000
"""So many findings of a kind are counted for who asks; of more it is said that there are more."""

# What ends or grows old
CERTIFICATE_DAYS = (21.0, 10.0)
"""Until a certificate ends: a warning, then critical. Those that renew themselves do it sooner."""
CERTIFICATE_IS_FINE_DAYS = 90
"""What is noted of one that is asked no more, as its site has gone."""
LEAST_TRAFFIC = timedelta(minutes=5)
"""Requests a minute are told of at least so long."""

# Backups. Of those that are made less often than each day, the levels begin as much later.
BACKUP_HOURS = (26.0, 48.0)
"""Without a verified backup: a warning, then critical."""
DRILL_DAYS = 30.0
DRILL_GRACE_DAYS = 2

# MongoDB
SKEW_NOTICE_SECONDS, SKEW_WARNING_SECONDS = 5, 30
UNUSED_DAYS = 30
FRESH_BYTES = {"assets": 460, "renditions": 150, "shop_products": 1020}
"""What the indexes of a document weigh when they are built anew, of those collections of which it
is told that they have grown. Measured as `make bench-scale` does (docs/performance.md)."""
BLOATED = 2.0
"""Times as heavy: then it is time to build them anew."""
MANY_DOCUMENTS = 100_000
SOON_DAYS = 180

# Background work
LATE = timedelta(minutes=15)
"""A job that is due this long has nobody to run it; so has one whose lease is over as long."""
STOPPED = timedelta(minutes=7)
"""Somebody looks every three minutes; when nobody has for so long, background work has stopped."""
SCANNER_AWAY = timedelta(minutes=10)
"""The scanner, which `freshclam` may start anew, is away for so long."""
UNSCANNED = timedelta(minutes=15)
"""A file has waited for the scanner for so long."""
MOST_IN_QUARANTINE = 10_000
"""More are not counted."""
FAILURES = (3.0, 5.0)
"""Messages a receiver did not take, one after the other: a warning, then critical."""
RECENTLY = timedelta(days=1)
"""A job that failed is told for this long; one that runs again and again until a run succeeds."""

# The machine
LEAST_SECRET_BITS = 128

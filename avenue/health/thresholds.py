"""All thresholds of the rules. Nothing else defines one."""

from collections.abc import Mapping
from datetime import timedelta

from avenue.health.models import Level

# What fills up, the mildest level first; that of percentages is AVENUE_ALERT_LEVELS.
MARGIN_PERCENT = 5
"""A level of percentages ends so many points below its threshold."""
OPLOG_HOURS = (24.0, 12.0, 1.0)
"""At the last one `/readyz` fails: a restarted member may not catch up any more."""
OPLOG_MARGIN = 1.25
WANTED_OPLOG_HOURS = 72
ERROR_PERCENT = (1.0, 5.0, 20.0)
ERROR_MARGIN = 0.5
LEAST_REQUESTS = 500
"""The share of errors is one of at least so many: a single one at night is not 20 %."""
CALM_SNAPSHOTS = 3
"""A level ends after so many snapshots below it."""
COOLDOWNS: Mapping[Level, timedelta] = {
    Level.NOTICE: timedelta(days=7),
    Level.WARNING: timedelta(hours=48),
    Level.CRITICAL: timedelta(hours=24),
}
"""An open alert that nobody has acknowledged is repeated after so long."""

# Findings
MOST_FOUND = 1_000
"""Findings of a kind that are counted on request; if there are more, the answer only says so."""

# Expiry and age
CERTIFICATE_DAYS = (21.0, 10.0)
"""Until a certificate ends: a warning, then critical. Automatic renewals happen earlier."""
CERTIFICATE_IS_FINE_DAYS = 90
"""The reading of a certificate that is no longer checked, as its site is gone."""
LEAST_TRAFFIC = timedelta(minutes=5)
"""Requests a minute are averaged over at least so long."""

# Backups. For those made less often than daily, the levels begin later by the difference.
BACKUP_HOURS = (26.0, 48.0)
"""Without a verified backup: a warning, then critical."""
DRILL_DAYS = 30.0
DRILL_GRACE_DAYS = 2

# MongoDB
SKEW_NOTICE_SECONDS, SKEW_WARNING_SECONDS = 5, 30
UNUSED_DAYS = 30
FRESH_BYTES = {"assets": 460, "renditions": 150, "shop_products": 1020}
"""The bytes of the rebuilt indexes of a document, for collections whose growth is reported.
Measured as `make bench-scale` does (docs/performance.md)."""
BLOATED = 2.0
"""So many times that size, the indexes should be rebuilt."""
MANY_DOCUMENTS = 100_000
SOON_DAYS = 180

# Background jobs
LATE = timedelta(minutes=15)
"""A job that has been due so long has no runner; nor has one whose lease ended so long ago."""
STOPPED = timedelta(minutes=7)
"""Checks run every three minutes; after so long without one, background jobs have stopped."""
SCANNER_AWAY = timedelta(minutes=10)
"""The scanner, which `freshclam` may restart, has been unreachable for so long."""
UNSCANNED = timedelta(minutes=15)
"""A file has waited for the scanner for so long."""
MOST_IN_QUARANTINE = 10_000
"""More are not counted."""
FAILURES = (3.0, 5.0)
"""Messages that a receiver did not accept in a row: a warning, then critical."""
RECENTLY = timedelta(days=1)
"""A failed job is reported for so long; a periodic one until a run succeeds."""

# The machine
LEAST_SECRET_BITS = 128

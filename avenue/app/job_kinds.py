"""The kinds of jobs: which run one after the other, and which run periodically."""

from avenue.accounts.account_emails import MAIL
from avenue.app.site_jobs import PUBLISH, PUBLISH_SECONDS
from avenue.app.walks import REBUILD, SWEEP
from avenue.backup.service import BACKUP, DRILL, RETURN, VERIFY
from avenue.config import Settings
from avenue.health.alerts.quick_checks import EVERY_SECONDS as WATCH_SECONDS
from avenue.health.checks.fsck import FSCK
from avenue.health.checks.inspection import INSPECT, REFERENCES, REFERENCES_SECONDS
from avenue.health.checks.scrub import EVERY_SECONDS as EVERY_HOUR, SCRUB
from avenue.health.facts.certificates import CERTIFICATES, EVERY_SECONDS as CERTIFICATES_SECONDS
from avenue.health.facts.work import TELL, TELL_SITES, WATCH
from avenue.health.history.snapshots.service import EVERY_SECONDS as SNAPSHOT_SECONDS, SNAPSHOT
from avenue.media.announcing.models import PURGES, WEBHOOKS
from avenue.media.quarantine.walk import EVERY_SECONDS as SCAN_SECONDS, SCAN
from avenue.media.references import IMPORT_EXTERNAL
from avenue.moves.models import ADOPT, EXPORT, IMPORT_EXPORT, IMPORT_FOLDER, IMPORT_FROM
from avenue.notifications.service import EVERY_SECONDS
from avenue.shop.service.imports import IMPORT, UNDO
from avenue.shop.service.picture_imports import PICTURES_BY_SKU
from avenue.shop.service.samples import LOAD
from avenue.sites.cloning import CLONE
from avenue.sites.moving import EVERY_SECONDS as PURGE_MOVED_SECONDS, MOVE, PURGE_MOVED
from avenue.sites.removal import EVERY_SECONDS as REMOVE_SECONDS, REMOVE, REMOVE_DUE
from avenue.storage.holders import COUNT_QUOTAS
from avenue.storage.site_counts import COUNT_SITES

MESSAGES = (MAIL, WEBHOOKS, TELL)
IMPORTS = (IMPORT, UNDO, LOAD, PICTURES_BY_SKU)
FIGURES = (SNAPSHOT, WATCH, COUNT_QUOTAS, COUNT_SITES)
WALKS = (SWEEP, INSPECT, SCRUB, REBUILD)
BACKUPS = (BACKUP, VERIFY, DRILL)
"""The periodic backup jobs."""
MOVES_IN = (IMPORT_FROM, IMPORT_FOLDER, IMPORT_EXPORT, IMPORT_EXTERNAL)
CLASSES = (
    MESSAGES,
    (CERTIFICATES,),  # makes requests to other hosts
    (TELL_SITES,),  # sends to receivers that we do not operate
    (PURGES,),  # a changed price must not wait for an email
    FIGURES,
    (REFERENCES,),  # a lost picture is reported soon
    (PUBLISH,),
    (SCAN,),  # nothing waits for its result
    IMPORTS,
    (FSCK,),
    WALKS,
    (*BACKUPS, RETURN),
    MOVES_IN,
    (ADOPT,),  # may follow another database for weeks
    (EXPORT,),
    (REMOVE, REMOVE_DUE),
    (CLONE,),
    (MOVE, PURGE_MOVED),
)
"""Classes of kinds: jobs of one class run one after the other, classes run in parallel.

So a message never waits for a walk through everything that is stored.
"""
PERIODIC = (
    *(SNAPSHOT, WATCH, REFERENCES, INSPECT, SWEEP, SCRUB, COUNT_QUOTAS, COUNT_SITES, REMOVE_DUE),
    PURGE_MOVED,
    PUBLISH,
    *MESSAGES,
    TELL_SITES,
    CERTIFICATES,
    PURGES,
    *BACKUPS,
    SCAN,
)
"""Periodic jobs, which `jobs run` can also run at once."""
COUNT_SECONDS = 3600
PURGE_SECONDS = 1
"""Interval of purges: a changed price should be visible soon."""


def seconds_of(settings: Settings) -> dict[str, int]:
    """Return the intervals of periodic jobs except backups, by kind."""
    return {
        SWEEP: settings.sweep_minutes * 60,
        INSPECT: settings.inspect_minutes * 60,
        REFERENCES: REFERENCES_SECONDS,
        COUNT_QUOTAS: COUNT_SECONDS,
        COUNT_SITES: COUNT_SECONDS,
        SNAPSHOT: SNAPSHOT_SECONDS,
        WATCH: WATCH_SECONDS,
        CERTIFICATES: CERTIFICATES_SECONDS,
        SCRUB: EVERY_HOUR,
        SCAN: SCAN_SECONDS,
        REMOVE_DUE: REMOVE_SECONDS,
        PURGE_MOVED: PURGE_MOVED_SECONDS,
        PUBLISH: PUBLISH_SECONDS,
        **dict.fromkeys((*MESSAGES, TELL_SITES), EVERY_SECONDS),
        PURGES: PURGE_SECONDS,
    }

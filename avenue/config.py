"""All settings: name, default, bounds and description.

`Settings.from_env` is the only reader of the environment. It reports all errors at once.
`docs/settings.md` is generated from this file (`make docs`).
"""

import base64
import os
import re
import secrets
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import MISSING, Field, dataclass, field, fields
from email.utils import parseaddr
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from avenue.networks import is_trusted_host

WEAK_WORDS = ("secret", "changeme", "change-me", "change_me", "password", "development")
LEAST_SECRET_LENGTH = 32
LEAST_SECRET_VARIETY = 10
LONGEST_PATTERN = 64
ALERT_LEVELS = 3
BACKUP_KEY = re.compile(r"avbk_[A-Za-z0-9_-]{43}")
BACKUP_PERIODS = 3
PERCENTS = range(1, 101)
LONGEST_HASH_LINE = 64
HASH_LINE = re.compile(rb"[0-9A-Fa-f]{40}(:[0-9]+)?\r?\n")
WEBHOOK_PREFIX = "whsec_"
CLUSTER_PREFIX = "AVENUE_CLUSTER_"
CLUSTER_NAME = re.compile(r"[a-z][a-z0-9_]{0,19}")
LEAST_WEBHOOK_KEY_BYTES = 24
MOST_WEBHOOK_KEY_BYTES = 64


def has_pattern(key: str) -> bool:
    """Return whether most characters of a secret follow from earlier ones: sequences, repetitions.

    That is so if more than two thirds of its characters have the same distance from the character
    so many places before: 1 in `abcd`, 0 in repetitions.
    """
    for gap in range(1, min(len(key) // 2, LONGEST_PATTERN) + 1):
        pairs = zip(key, key[gap:], strict=False)
        steps = Counter(ord(after) - ord(before) for before, after in pairs)
        if max(steps.values()) * 3 > (len(key) - gap) * 2:
            return True
    return False


class ConfigError(Exception):
    """The environment contains errors; `problems` lists all of them, one sentence each."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__(
            "These settings need attention:\n" + "\n".join(f"  - {p}" for p in problems)
        )


def setting(
    env: str,
    about: str,
    default: Any = MISSING,
    *,
    unit: str = "",
    least: int | None = None,
    most: int | None = None,
    choices: tuple[str, ...] = (),
    secret: bool = False,
) -> Any:
    """Declare one setting read from the variable `env`; `about` is its description in the docs."""
    metadata = {
        "env": env,
        "about": about,
        "unit": unit,
        "least": least,
        "most": most,
        "choices": choices,
        "secret": secret,
    }
    return field(default=default, metadata=metadata, repr=not secret)


ROLES = ("admin", "editor", "staff", "seller", "client", "ops")
SENTRY_DSN = re.compile(r"https?://[0-9A-Za-z]{1,100}@[0-9A-Za-z.:-]{1,253}(?:/[\w-]{1,100}){1,5}")
ALIAS = re.compile(r"/api(?:/[A-Za-z0-9_-]+)+/? [a-z][a-z0-9_]{0,30} [a-z][a-z0-9_-]{0,40}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Settings of this process, read from the environment."""

    # Location
    mongodb_uri: str = setting(
        "MONGODB_URI",
        "The replica set that stores everything. Required except with `serve --local`. The "
        "database name in its path is used, else `avenue`.",
        "",
        secret=True,
    )
    cluster_uris: tuple[str, ...] = setting(
        "AVENUE_CLUSTER_<NAME>",
        "Another replica set for sites, one variable per cluster, as "
        "AVENUE_CLUSTER_C2=mongodb://…; the same ones for every process. `migrate` prepares it.",
        (),
        secret=True,
    )
    cluster_units: int = setting(
        "AVENUE_CLUSTER_UNITS",
        "Capacity of a cluster; a large site counts as 1.",
        4,
        unit="units",
        least=1,
        most=1000,
    )
    move_dir: str = setting(
        "AVENUE_MOVE_DIR",
        "The directory below which the panel and the API may read folders, ZIP files and lists "
        "for imports, and write exported sites; the same for all processes that have it. "
        "Empty: none. Commands may use any directory.",
        "",
    )
    adopt_from: str = setting(
        "AVENUE_ADOPT_FROM",
        "The database of the earlier application, for `adopt`. On the command line every user "
        "of the machine could read its password.",
        "",
        secret=True,
    )
    import_s3_endpoint: str = setting(
        "AVENUE_IMPORT_S3_ENDPOINT",
        "The S3 endpoint for `import --from s3://…`. Empty: Amazon's.",
        "",
    )
    import_s3_region: str = setting(
        "AVENUE_IMPORT_S3_REGION", "The region of that bucket, if it has one.", ""
    )
    import_s3_key: str = setting(
        "AVENUE_IMPORT_S3_KEY",
        "The S3 access key for imports. Empty: what boto3 finds (its variables, files, roles).",
        "",
    )
    import_s3_secret: str = setting(
        "AVENUE_IMPORT_S3_SECRET", "The secret of `AVENUE_IMPORT_S3_KEY`.", "", secret=True
    )
    import_supabase_key: str = setting(
        "AVENUE_IMPORT_SUPABASE_KEY",
        "The `service_role` key of the project, for `import --from supabase:…`.",
        "",
        secret=True,
    )
    import_cloudinary_key: str = setting(
        "AVENUE_IMPORT_CLOUDINARY_KEY",
        "The API key of the cloud, for `import --from cloudinary:…`.",
        "",
    )
    import_cloudinary_secret: str = setting(
        "AVENUE_IMPORT_CLOUDINARY_SECRET", "The API secret of the cloud.", "", secret=True
    )
    import_cloudinary_api: str = setting(
        "AVENUE_IMPORT_CLOUDINARY_API",
        "The address of Cloudinary's API; accounts in other regions have another one.",
        "https://api.cloudinary.com",
    )
    import_cfimages_token: str = setting(
        "AVENUE_IMPORT_CFIMAGES_TOKEN",
        "An API token that may read Cloudflare Images, for `import --from cfimages:…`.",
        "",
        secret=True,
    )
    import_cfimages_api: str = setting(
        "AVENUE_IMPORT_CFIMAGES_API",
        "The address of Cloudflare's API.",
        "https://api.cloudflare.com",
    )
    secret_key: str = setting(
        "SECRET_KEY",
        "Signs sessions and links. At least 32 random characters; required except with `serve "
        "--local`, which generates one.",
        "",
        secret=True,
    )
    public_base_url: str = setting(
        "PUBLIC_BASE_URL",
        "The public address of the default site, as `https://shop.example`. All URLs begin "
        "with it. Required except with `serve --local`.",
        "",
    )
    local: bool = setting("AVENUE_LOCAL", "Set by `serve --local` for its workers.", False)
    port: int = setting("PORT", "The port to listen on.", 8000, least=1, most=65535)
    workers: int = setting(
        "WEB_CONCURRENCY", "Number of web processes.", 2, unit="processes", least=1, most=64
    )
    threads: int = setting(
        "AVENUE_THREADS", "Request threads per web process.", 8, unit="threads", least=1, most=256
    )
    data_dir: Path = setting(
        "AVENUE_DATA_DIR", "The directory in which `serve --local` keeps its database.", Path("var")
    )
    log_file: str = setting(
        "AVENUE_LOG_FILE",
        "The log file; errors then also go to stderr, one line each. Empty: stdout. `serve "
        "--local` writes `avenue.log` in AVENUE_DATA_DIR.",
        "",
    )
    tmp_dir: Path = setting(
        "AVENUE_TMP_DIR",
        "The directory for request bodies while they arrive (unlinked files) and for the disk "
        "cache.",
        Path("/tmp"),  # noqa: S108 - files there are unlinked or in a folder of our own
    )
    mongod: str = setting("AVENUE_MONGOD", "The mongod binary that `serve --local` starts.", "")
    storage: str = setting(
        "AVENUE_STORAGE",
        "`volume` declares that the disk of a one-member replica set outlives containers and "
        "deployments.",
        "undeclared",
        choices=("undeclared", "volume"),
    )
    admin_email: str = setting(
        "AVENUE_ADMIN_EMAIL", "Email of the first administrator, created when there is no user.", ""
    )
    admin_password: str = setting(
        "AVENUE_ADMIN_PASSWORD",
        "Password of the first administrator; if empty, one is generated and printed once.",
        "",
        secret=True,
    )
    proxy_hops: int = setting(
        "AVENUE_PROXY_HOPS",
        "Number of your own proxies in front; `X-Forwarded-*` of others is ignored.",
        0,
        unit="proxies",
        least=0,
        most=10,
    )
    cors_origins: tuple[str, ...] = setting(
        "AVENUE_CORS_ORIGINS",
        "Origins whose pages may call the API with a Bearer token, separated by commas.",
        (),
    )
    upload_aliases: tuple[str, ...] = setting(
        "AVENUE_UPLOAD_ALIASES",
        "Paths at which existing clients upload one file, separated by commas: path, field "
        "name, upload category. The default answers `{id, image, image_url}`.",
        ("/api/core/orders/ image orders",),
    )
    jobs: str = setting(
        "AVENUE_JOBS",
        "What does background work: one thread of every web process, or `python -m avenue worker`.",
        "inline",
        choices=("inline", "worker"),
    )

    fast_lane: str = setting(
        "AVENUE_FAST_LANE",
        "Whether a worker's event loop answers requests for cached pictures itself. Without it "
        "the answers are the same, and cost ten times as much.",
        "on",
        choices=("on", "off"),
    )

    demo: str = setting(
        "AVENUE_DEMO",
        "`auto` offers sample products to an empty shop, and loads them at the first `serve "
        "--local`; `off` does neither.",
        "auto",
        choices=("auto", "off"),
    )
    smtp_url: str = setting(
        "AVENUE_SMTP_URL",
        "The mail server, as `smtp://user:password@mail.example:587` (with STARTTLS, except on "
        "this machine) or `smtps://…`. Without it, only an administrator or a command can "
        "reset a forgotten password.",
        "",
        secret=True,
    )
    mail_from: str = setting(
        "AVENUE_MAIL_FROM",
        "Sender of emails, as `Shop <shop@shop.example>`. Required with `AVENUE_SMTP_URL`.",
        "",
    )
    purge_url: str = setting(
        "AVENUE_PURGE_URL",
        "Receiver of the URLs to purge from a CDN, as `https://hooks.example/purge`; `http` "
        "only on this machine or in a private network. See [cdn.md](cdn.md).",
        "",
        secret=True,
    )
    purge_secret: str = setting(
        "AVENUE_PURGE_SECRET",
        "Signs messages to `AVENUE_PURGE_URL`. At least 32 random characters.",
        "",
        secret=True,
    )
    purge_cdns: tuple[str, ...] = setting(
        "AVENUE_PURGE_CDNS",
        "CDNs and proxies that are purged through their own API, separated by commas, the "
        "inner ones first: `nginx=<secret>@http://<address>`, `cloudflare=<zone>/<token>`, "
        "`fastly=<token>`, `bunny=<key>` or `cloudfront=<distribution>`. The entry of a CDN that "
        "serves only one domain ends with it: `cloudflare=<zone>/<token>@shop.example`. "
        "See [cdn.md](cdn.md).",
        (),
        secret=True,
    )
    sentry_dsn: str = setting(
        "SENTRY_DSN",
        "Also sends errors to a service with Sentry's protocol, as "
        "`https://key@errors.example/1` (`pip install -r requirements-telemetry.txt`).",
        "",
        secret=True,
    )
    sentry_environment: str = setting(
        "SENTRY_ENVIRONMENT", "The name of this deployment there.", "production"
    )
    otlp_endpoint: str = setting(
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "Receiver of traces and metrics of requests by OpenTelemetry (OTLP over HTTP), as "
        "`http://collector:4318` (`pip install -r requirements-telemetry.txt`). The other "
        "standard variables apply too, among them `OTEL_SERVICE_NAME` and "
        "`OTEL_TRACES_SAMPLER`.",
        "",
    )
    webhook_url: str = setting(
        "AVENUE_WEBHOOK_URL",
        "Receiver of events (files added, replaced, deleted, restored) and of URLs to purge, "
        "as `https://hooks.example/avenue`; `http` only on this machine or in a private "
        "network. See [webhooks.md](webhooks.md).",
        "",
        secret=True,
    )
    webhook_secret: str = setting(
        "AVENUE_WEBHOOK_SECRET",
        "Signs messages to `AVENUE_WEBHOOK_URL`: `whsec_` and the base64 of 24 to 64 random bytes.",
        "",
        secret=True,
    )
    alert_percents: tuple[str, ...] = setting(
        "AVENUE_ALERT_PERCENTS",
        "Thresholds of an alert on disk, connections and quotas: notice, warning, critical.",
        ("70", "85", "95"),
    )
    database_gb: int = setting(
        "AVENUE_DATABASE_GB",
        "Size of a managed cluster's plan, which does not report its disk; approaching it "
        "raises an alert. 0: unknown.",
        0,
        unit="GB",
        least=0,
    )
    alert_letters_per_day: int = setting(
        "AVENUE_ALERT_LETTERS_PER_DAY",
        "Emails your mail service accepts per day; approaching it raises an alert. 0: no limit.",
        0,
        unit="emails",
        least=0,
    )
    alert_requests_per_minute: int = setting(
        "AVENUE_ALERT_REQUESTS_PER_MINUTE",
        "The most requests per minute you expect; approaching it raises an alert. 0: no alert.",
        0,
        unit="requests",
        least=0,
    )
    alert_pictures: int = setting(
        "AVENUE_ALERT_PICTURES",
        "The most original files of all sites you expect; approaching it raises an alert. 0: "
        "no alert.",
        0,
        unit="files",
        least=0,
    )
    alert_secret_days: int = setting(
        "AVENUE_ALERT_SECRET_DAYS",
        "Age at which a signing secret raises a notice.",
        365,
        unit="days",
        least=1,
    )
    alert_emails: tuple[str, ...] = setting(
        "AVENUE_ALERT_EMAILS",
        "Email addresses that receive alerts, separated by commas. Requires `AVENUE_SMTP_URL`.",
        (),
        secret=True,
    )
    alert_url: str = setting(
        "AVENUE_ALERT_URL",
        "Webhook that receives alerts, as `https://hooks.example/alerts`; `http` only on this "
        "machine or in a private network.",
        "",
        secret=True,
    )
    alert_secret: str = setting(
        "AVENUE_ALERT_SECRET",
        "Signs messages to `AVENUE_ALERT_URL`, as `AVENUE_WEBHOOK_SECRET` does.",
        "",
        secret=True,
    )
    alert_chats: tuple[str, ...] = setting(
        "AVENUE_ALERT_CHATS",
        "Chats that receive alerts, separated by commas: `slack=`, `discord=`, `teams=` or "
        "`ntfy=` and the URL from the service, or `telegram=<token of the bot>/<id of the "
        "chat>`. With the prefix `critical:`, as `critical:ntfy=…`, only critical ones.",
        (),
        secret=True,
    )
    prices: str = setting(
        "AVENUE_PRICES",
        "A TOML file of your storage costs, for `python -m avenue capacity`; without it, "
        "example prices are used. See [operations.md](operations.md).",
        "",
    )
    fetch_seconds: int = setting(
        "AVENUE_FETCH_SECONDS",
        "Total time for fetching a file by its URL.",
        20,
        unit="seconds",
        least=1,
        most=300,
    )
    pipeline_mode: str = setting(
        "AVENUE_PIPELINE_MODE",
        "When picture sizes are generated. `eager`: the four main sizes of product pictures and of "
        "the media library during the upload, others on the first request. `eager-after`: of "
        "these, `thumb` and `card` during the upload, `gallery` and `og` after the reply. `lazy`: "
        "all on the first request. `off`: never.",
        "eager",
        choices=("eager", "eager-after", "lazy", "off"),
    )

    # Times
    cache_seconds: int = setting(
        "AVENUE_CACHE_SECONDS",
        "How long a worker may reuse what it has read about a public picture or a site.",
        30,
        unit="seconds",
        least=0,
        most=3600,
    )
    cache_mb: int = setting(
        "AVENUE_CACHE_MB",
        "Memory for small public pictures, per worker.",
        64,
        unit="MB",
        least=0,
        most=65536,
    )
    disk_cache_mb: int = setting(
        "AVENUE_DISK_CACHE_MB",
        "Size of the disk cache under AVENUE_TMP_DIR, which all processes of a machine share, "
        "so that each public file is read from the database once; at most half of the free "
        "space there. It holds copies only. 0: none.",
        1024,
        unit="MB",
        least=0,
        most=1024 * 1024,
    )
    trash_days: int = setting(
        "AVENUE_TRASH_DAYS",
        "How long removed files can be restored.",
        7,
        unit="days",
        least=0,
        most=3650,
    )
    max_link_days: int = setting(
        "AVENUE_MAX_LINK_DAYS",
        "Maximum validity of a signed link to a private file. A shorter limit does not affect "
        "existing links.",
        7,
        unit="days",
        least=1,
        most=365,
    )
    audit_days: int = setting(
        "AVENUE_AUDIT_DAYS",
        "How long an entry of the audit log is kept.",
        365,
        unit="days",
        least=1,
        most=3650,
    )
    unclaimed_hours: int = setting(
        "AVENUE_UNCLAIMED_HOURS",
        "How long an uploaded file waits for its owner, and a resumable upload for its next part.",
        24,
        unit="hours",
        least=1,
        most=8760,
    )
    versions_keep: int = setting(
        "AVENUE_VERSIONS_KEEP",
        "Versions kept of a replaced file.",
        10,
        unit="versions",
        least=1,
        most=100,
    )
    session_days: int = setting(
        "AVENUE_SESSION_DAYS",
        "Lifetime of a session or a login token.",
        30,
        unit="days",
        least=1,
        most=3650,
    )
    second_factor_roles: tuple[str, ...] = setting(
        "AVENUE_SECOND_FACTOR_ROLES",
        "Roles that require a second factor on every site, separated by commas (`admin,ops`); "
        "a site's settings may add more. Until people in such a role have set one up, they can "
        "do nothing else.",
        (),
    )
    oidc_issuer: str = setting(
        "AVENUE_OIDC_ISSUER",
        "The OpenID Connect provider for sign-in, as `https://sso.example/realms/shop`: its "
        "issuer as in its tokens. Empty: none. See [oidc.md](oidc.md).",
        "",
    )
    oidc_client_id: str = setting(
        "AVENUE_OIDC_CLIENT_ID", "The client id of this deployment at the provider.", ""
    )
    oidc_client_secret: str = setting(
        "AVENUE_OIDC_CLIENT_SECRET",
        "The secret of that client. Empty: a public client.",
        "",
        secret=True,
    )
    oidc_groups: tuple[str, ...] = setting(
        "AVENUE_OIDC_GROUPS",
        "Roles by group of the provider, separated by commas, as "
        "`shop-admins=admin,photographers=editor@outlet,everybody=client@*`. Without `@` the "
        "role is on the default site, with `@*` on every site. The first match counts.",
        (),
    )
    oidc_groups_claim: str = setting(
        "AVENUE_OIDC_GROUPS_CLAIM",
        "The claim with the groups, as `groups` or `realm_access.roles`.",
        "groups",
    )
    oidc_email_verified_claim: str = setting(
        "AVENUE_OIDC_EMAIL_VERIFIED_CLAIM",
        "The claim that says that the provider has verified the email.",
        "email_verified",
    )
    oidc_scopes: str = setting(
        "AVENUE_OIDC_SCOPES",
        "The requested scopes, separated by spaces.",
        "openid email profile",
    )
    oidc_label: str = setting(
        "AVENUE_OIDC_LABEL",
        "Name of the provider on the pages. Empty: its host.",
        "",
    )
    oidc_link: str = setting(
        "AVENUE_OIDC_LINK",
        "Which existing accounts can be signed in to by their verified email. `covered`: those "
        "with no more rights than the groups give; `any`: superusers, too; `none`.",
        "covered",
        choices=("covered", "any", "none"),
    )
    oidc_second_factor: str = setting(
        "AVENUE_OIDC_SECOND_FACTOR",
        "Whose second factor counts. `own`: Avenue asks for its own in any case; `amr`: the "
        "provider's, if its token says `mfa`; `provider`: always the provider's.",
        "own",
        choices=("own", "amr", "provider"),
    )
    sweep_minutes: int = setting(
        "AVENUE_SWEEP_MINUTES",
        "Minutes between two runs of the sweeper.",
        15,
        unit="minutes",
        least=1,
        most=1440,
    )
    inspect_minutes: int = setting(
        "AVENUE_INSPECT_MINUTES",
        "Minutes between two runs of the inspection, which reads the sizes of stored bytes.",
        60,
        unit="minutes",
        least=1,
        most=10_080,
    )
    backup_to: str = setting(
        "AVENUE_BACKUP_TO",
        "Target of automatic backups: a directory on another disk than the database, or "
        "`s3://bucket/prefix` (`pip install -r requirements-s3.txt`). All processes that do "
        "background work must reach it. Empty: no backups.",
        "",
    )
    backup_key: str = setting(
        "AVENUE_BACKUP_KEY",
        "Encrypts backups, including names; `python -m avenue backup key` generates one. A "
        "repository keeps the key of its first backup. Keep a copy elsewhere: without the key "
        "the backup is lost.",
        "",
        secret=True,
    )
    backup_hours: int = setting(
        "AVENUE_BACKUP_HOURS",
        "Hours between two backups to `AVENUE_BACKUP_TO`.",
        24,
        unit="hours",
        least=1,
        most=720,
    )
    backup_keep: tuple[str, ...] = setting(
        "AVENUE_BACKUP_KEEP",
        "For how many days, weeks and months the last backup of each is kept.",
        ("7", "5", "12"),
    )
    backup_drill_days: int = setting(
        "AVENUE_BACKUP_DRILL_DAYS",
        "Days between two test restores: the newest backup is restored into a separate "
        "database (which needs the space), checked, and dropped. 0: never.",
        28,
        unit="days",
        least=0,
        most=365,
    )
    backup_s3_endpoint: str = setting(
        "AVENUE_BACKUP_S3_ENDPOINT",
        "The S3 endpoint for backups, as `https://s3.eu-central-003.backblazeb2.com`. Empty: "
        "Amazon's.",
        "",
    )
    backup_s3_region: str = setting(
        "AVENUE_BACKUP_S3_REGION", "The region of the bucket, if it has one.", ""
    )
    backup_s3_key: str = setting(
        "AVENUE_BACKUP_S3_KEY",
        "The S3 access key for backups. Empty: what boto3 finds (its variables, files, roles).",
        "",
    )
    backup_s3_secret: str = setting(
        "AVENUE_BACKUP_S3_SECRET", "The secret of `AVENUE_BACKUP_S3_KEY`.", "", secret=True
    )
    alt_text_url: str = setting(
        "AVENUE_ALT_TEXT_URL",
        "A service that suggests alternative texts, as `https://texts.example/suggest`; `http` "
        "only on this machine or in a private network. Empty: none. See "
        "[alt-texts.md](alt-texts.md).",
        "",
        secret=True,
    )
    alt_text_secret: str = setting(
        "AVENUE_ALT_TEXT_SECRET",
        "Sent to `AVENUE_ALT_TEXT_URL` as `Authorization: Bearer …`, if the service requires it.",
        "",
        secret=True,
    )
    alt_text_seconds: int = setting(
        "AVENUE_ALT_TEXT_SECONDS",
        "Timeout of one suggestion.",
        20,
        unit="seconds",
        least=1,
        most=60,
    )
    scanner: str = setting(
        "AVENUE_SCANNER",
        "The clamd that scans uploads: `clamd://host:3310`, or `clamd:///path/to/socket`. A "
        "file cannot be read before it has been found clean. Empty: no scanning. See "
        "[scanning.md](scanning.md).",
        "",
    )
    scanner_away: str = setting(
        "AVENUE_SCANNER_AWAY",
        "What happens to an upload while the scanner is unreachable. `hold`: it is stored, and "
        "readable once it has been scanned; `accept`: it is readable at once; `refuse`: 503.",
        "hold",
        choices=("hold", "accept", "refuse"),
    )
    scanner_seconds: int = setting(
        "AVENUE_SCANNER_SECONDS",
        "Timeout of one scan; large files get one second more per MB. After it the scanner "
        "counts as unreachable.",
        8,
        unit="seconds",
        least=1,
        most=120,
    )
    scanner_max_mb: int = setting(
        "AVENUE_SCANNER_MAX_MB",
        "The largest file that clamd scans whole: its `StreamMaxLength`, `MaxFileSize` and "
        "`MaxScanSize` must not be smaller. A larger file is quarantined.",
        100,
        unit="MB",
        least=1,
        most=2047,
    )
    scrub_days: int = setting(
        "AVENUE_SCRUB_DAYS",
        "Within how many days every stored byte is read and compared with its hash, a part "
        "each hour.",
        30,
        unit="days",
        least=1,
        most=365,
    )
    read_seconds: int = setting(
        "AVENUE_READ_SECONDS",
        "Time limit of one database read, retries included.",
        5,
        unit="seconds",
        least=1,
        most=300,
    )
    rendition_wait_seconds: int = setting(
        "AVENUE_RENDITION_WAIT_SECONDS",
        "How long a request waits for a picture size that is being generated.",
        5,
        unit="seconds",
        least=0,
        most=60,
    )
    write_seconds: int = setting(
        "AVENUE_WRITE_SECONDS",
        "Time limit for the writes of one request, retries included; large files get one "
        "second more per MB.",
        15,
        unit="seconds",
        least=1,
        most=600,
    )

    # Limits
    max_product_image_mb: int = setting(
        "AVENUE_MAX_PRODUCT_IMAGE_MB", "Largest product picture.", 5, unit="MB", least=1, most=1024
    )
    max_media_mb: int = setting(
        "AVENUE_MAX_MEDIA_MB",
        "Largest file of the media library.",
        10,
        unit="MB",
        least=1,
        most=1024,
    )
    max_upload_mb: int = setting(
        "AVENUE_MAX_UPLOAD_MB", "Largest general upload.", 25, unit="MB", least=1, most=1024
    )
    max_tus_mb: int = setting(
        "AVENUE_MAX_TUS_MB", "Largest resumable upload.", 1024, unit="MB", least=1, most=102400
    )
    max_images_per_product: int = setting(
        "AVENUE_MAX_IMAGES_PER_PRODUCT",
        "Pictures per product or group.",
        5,
        unit="pictures",
        least=1,
        most=100,
    )
    max_temp_images: int = setting(
        "AVENUE_MAX_TEMP_IMAGES",
        "Pictures per person for products not saved yet.",
        50,
        unit="pictures",
        least=1,
        most=1000,
    )
    max_megapixels: int = setting(
        "AVENUE_MAX_MEGAPIXELS",
        "Largest picture that is decoded at full size.",
        25,
        unit="megapixels",
        least=1,
        most=500,
    )
    max_jpeg_megapixels: int = setting(
        "AVENUE_MAX_JPEG_MEGAPIXELS",
        "Largest JPEG (above the limit for others it is decoded at a reduced size).",
        50,
        unit="megapixels",
        least=1,
        most=500,
    )
    max_side_pixels: int = setting(
        "AVENUE_MAX_SIDE_PIXELS",
        "Longest side of a picture.",
        12_000,
        unit="pixels",
        least=16,
        most=65_500,
    )
    max_frames: int = setting(
        "AVENUE_MAX_FRAMES",
        "Frames of an animated picture.",
        100,
        unit="frames",
        least=1,
        most=10_000,
    )
    max_scans: int = setting(
        "AVENUE_MAX_SCANS", "Scans of a JPEG.", 100, unit="scans", least=1, most=10_000
    )
    max_decode_cpu_seconds: int = setting(
        "AVENUE_MAX_DECODE_CPU_SECONDS",
        "Processor time per decode.",
        2,
        unit="seconds",
        least=1,
        most=300,
    )
    max_decode_mb: int = setting(
        "AVENUE_MAX_DECODE_MB", "Memory per decode.", 512, unit="MB", least=64, most=65536
    )
    max_parts: int = setting(
        "AVENUE_MAX_PARTS", "Parts of a multipart body.", 20, unit="parts", least=1, most=1000
    )
    max_text_field_kb: int = setting(
        "AVENUE_MAX_TEXT_FIELD_KB",
        "Longest text field of a form.",
        64,
        unit="KB",
        least=1,
        most=16_384,
    )
    max_json_kb: int = setting(
        "AVENUE_MAX_JSON_KB", "Largest JSON body.", 1024, unit="KB", least=16, most=16_384
    )
    max_json_depth: int = setting(
        "AVENUE_MAX_JSON_DEPTH",
        "Nesting depth of a JSON body.",
        20,
        unit="levels",
        least=2,
        most=200,
    )
    max_page_mb: int = setting(
        "AVENUE_MAX_PAGE_MB",
        "Largest request that saves a page, including pictures inside it.",
        16,
        unit="MB",
        least=1,
        most=64,
    )
    max_import_mb: int = setting(
        "AVENUE_MAX_IMPORT_MB", "Largest table of an import.", 10, unit="MB", least=1, most=100
    )
    max_import_rows: int = setting(
        "AVENUE_MAX_IMPORT_ROWS",
        "Rows per import.",
        50_000,
        unit="rows",
        least=1,
        most=1_000_000,
    )
    max_archive_mb: int = setting(
        "AVENUE_MAX_ARCHIVE_MB",
        "Largest ZIP of pictures by SKU.",
        500,
        unit="MB",
        least=1,
        most=4096,
    )
    max_zip_mb: int = setting(
        "AVENUE_MAX_ZIP_MB",
        "Largest ZIP created from stored files.",
        1000,
        unit="MB",
        least=1,
        most=1900,
    )
    max_uploads_per_minute: int = setting(
        "AVENUE_MAX_UPLOADS_PER_MINUTE",
        "Upload requests of one caller.",
        300,
        unit="per minute",
        least=1,
    )
    max_client_uploads_per_minute: int = setting(
        "AVENUE_MAX_CLIENT_UPLOADS_PER_MINUTE",
        "Upload requests of one caller with the role client.",
        30,
        unit="per minute",
        least=1,
    )
    max_writes_per_minute: int = setting(
        "AVENUE_MAX_WRITES_PER_MINUTE",
        "Other write requests of one caller.",
        300,
        unit="per minute",
        least=1,
    )
    max_reads_per_minute: int = setting(
        "AVENUE_MAX_READS_PER_MINUTE",
        "Read requests of one caller to API and panel.",
        600,
        unit="per minute",
        least=1,
    )
    max_pages_per_minute: int = setting(
        "AVENUE_MAX_PAGES_PER_MINUTE",
        "Public pages per address (all people behind it), counted by each web process.",
        3000,
        unit="per minute",
        least=1,
    )
    max_logins_per_minute: int = setting(
        "AVENUE_MAX_LOGINS_PER_MINUTE",
        "Sign-in attempts per account and address; also uploads with one ticket.",
        10,
        unit="per minute",
        least=1,
    )
    breached_passwords: str = setting(
        "AVENUE_BREACHED_PASSWORDS",
        "A file of SHA-1 hashes of forbidden passwords, in addition to the built-in list: "
        "lines as `<40 hex digits>:<count>`, sorted, as the downloader of Have I Been Pwned "
        "writes them. See [panel.md](panel.md#people-settings-audit-log).",
        "",
    )
    challenge: str = setting(
        "AVENUE_CHALLENGE",
        "The challenge after failed attempts to sign in, to reset a password or to use an "
        "upload ticket. `pow`: the browser computes for a moment; `turnstile` and `hcaptcha` "
        "use Cloudflare and hCaptcha. See [edge-security.md](edge-security.md#challenges).",
        "off",
        choices=("off", "pow", "turnstile", "hcaptcha"),
    )
    challenge_after: int = setting(
        "AVENUE_CHALLENGE_AFTER",
        "Failed attempts from one address, or for one account, within 15 minutes before a "
        "challenge.",
        5,
        unit="failures",
        least=1,
        most=100,
    )
    challenge_bits: int = setting(
        "AVENUE_CHALLENGE_BITS",
        "Work of `pow`: 2 to the power of this SHA-256 hashes on average.",
        16,
        unit="bits",
        least=10,
        most=20,
    )
    challenge_site_key: str = setting(
        "AVENUE_CHALLENGE_SITE_KEY",
        "The site key of Turnstile or hCaptcha, shown on the page.",
        "",
    )
    challenge_secret: str = setting(
        "AVENUE_CHALLENGE_SECRET",
        "The secret key that belongs to `AVENUE_CHALLENGE_SITE_KEY`.",
        "",
        secret=True,
    )
    max_site_mb: int = setting(
        "AVENUE_MAX_SITE_MB",
        "Quota of a site without its own; 0: no quota.",
        0,
        unit="MB",
        least=0,
    )
    max_site_files: int = setting(
        "AVENUE_MAX_SITE_FILES",
        "File quota of a site without its own; 0: no quota.",
        0,
        unit="files",
        least=0,
    )
    max_user_mb: int = setting(
        "AVENUE_MAX_USER_MB",
        "Quota of a person where the site sets none; 0: no quota.",
        0,
        unit="MB",
        least=0,
    )
    max_user_files: int = setting(
        "AVENUE_MAX_USER_FILES",
        "File quota of a person where the site sets none; 0: no quota.",
        0,
        unit="files",
        least=0,
    )
    max_disk_percent: int = setting(
        "AVENUE_MAX_DISK_PERCENT",
        "How full the database's disk may be before uploads are refused.",
        95,
        unit="percent",
        least=1,
        most=100,
    )
    max_header_seconds: int = setting(
        "AVENUE_MAX_HEADER_SECONDS",
        "How long a client may take to send the request head.",
        10,
        unit="seconds",
        least=1,
        most=300,
    )
    address_share_percent: int = setting(
        "AVENUE_ADDRESS_SHARE_PERCENT",
        "The share of a web process's connections, and of its memory and files for slow "
        "requests and answers, that one address may hold (behind proxies the forwarded one). "
        "Beyond it, the connection of that address that has waited longest is closed.",
        50,
        unit="percent",
        least=1,
        most=100,
    )
    max_slow_body_seconds: int = setting(
        "AVENUE_MAX_SLOW_BODY_SECONDS",
        "How long a body may arrive more slowly than `AVENUE_MIN_BODY_KB_PER_SECOND`.",
        30,
        unit="seconds",
        least=1,
        most=3600,
    )
    min_body_kb_per_second: int = setting(
        "AVENUE_MIN_BODY_KB_PER_SECOND",
        "Lowest accepted speed of a request body.",
        10,
        unit="KB per second",
        least=1,
        most=10_240,
    )
    max_drain_mb: int = setting(
        "AVENUE_MAX_DRAIN_MB",
        "How much of a body is collected before a thread gets it, and how much of a rejected "
        "one is read so that the client sees the answer.",
        32,
        unit="MB",
        least=0,
        most=1024,
    )
    max_drain_seconds: int = setting(
        "AVENUE_MAX_DRAIN_SECONDS",
        "How long a rejected body is read so that the client sees the answer.",
        20,
        unit="seconds",
        least=0,
        most=300,
    )

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Read the settings from `environ` (the process's own when None).

        Raise `ConfigError` naming every mistake: variable, reason, and what would be right.
        """
        settings, problems = cls.with_problems(os.environ if environ is None else environ)
        if problems:
            raise ConfigError(problems)
        return settings

    @classmethod
    def with_problems(cls, environ: Mapping[str, str]) -> tuple[Self, list[str]]:
        """Return the settings as far as `environ` has good ones, and every mistake."""
        problems: list[str] = []
        values = {
            each.name: _read(each, environ[each.metadata["env"]].strip(), problems)
            for each in fields(cls)
            if environ.get(each.metadata["env"], "").strip()
        }
        found = {name: value for name, value in values.items() if value is not None}
        found["cluster_uris"] = _cluster_uris(environ)
        settings = cls(**found)
        problems += [*settings._missing(), *settings._wrong_secret(), *settings._wrong_urls()]
        problems += [*settings._wrong_mail(), *settings._wrong_purge()]
        problems += [*settings._wrong_webhook(), *settings._wrong_alerts()]
        problems += [*settings._wrong_aliases(), *settings._wrong_roles()]
        problems += [*settings._wrong_backup(), *settings._wrong_scanner()]
        problems += [*settings._wrong_clusters(), *settings._wrong_telemetry()]
        problems += [*settings._wrong_oidc(), *settings._wrong_challenge()]
        problems += [*settings._wrong_passwords(), *settings._wrong_suggestions()]
        return settings, problems

    @property
    def base_url(self) -> str:
        """The default site's URL, without a trailing slash."""
        return self.public_base_url.rstrip("/") or f"http://127.0.0.1:{self.port}"

    @property
    def clusters(self) -> dict[str, str]:
        """Return the URIs of the additional clusters, by name."""
        named = (each.partition("=") for each in self.cluster_uris)
        return {name: uri for name, _, uri in named}

    @property
    def aliases(self) -> list["UploadAlias"]:
        """Return the upload paths of existing clients."""
        return [UploadAlias(*each.split()) for each in self.upload_aliases]

    @property
    def alert_levels(self) -> tuple[int, int, int]:
        """The thresholds of an alert, the lowest first."""
        mild, worse, worst = map(int, self.alert_percents)
        return mild, worse, worst

    def as_env(self) -> dict[str, str]:
        """Return the environment variables for a child process with the same settings."""
        named = {f"{CLUSTER_PREFIX}{name.upper()}": uri for name, uri in self.clusters.items()}
        return named | {
            each.metadata["env"]: _written(getattr(self, each.name))
            for each in fields(self)
            if getattr(self, each.name) != each.default and each.name != "cluster_uris"
        }

    def _wrong_clusters(self) -> list[str]:
        problems = [
            f"{CLUSTER_PREFIX}{name.upper()} must be up to 20 letters, digits and underscores "
            "behind the prefix, a letter first, and not HOME"
            for name in self.clusters
            if name == "home" or not CLUSTER_NAME.fullmatch(name)
        ]
        problems += [
            f"{CLUSTER_PREFIX}{name.upper()} must begin with mongodb:// or mongodb+srv://"
            for name, uri in self.clusters.items()
            if not uri.startswith(("mongodb://", "mongodb+srv://"))
        ]
        uris = [self.mongodb_uri, *self.clusters.values()]
        if len(set(uris)) < len(uris):
            problems.append("Two clusters have the same URI; MONGODB_URI is one of them")
        return problems

    def _wrong_aliases(self) -> list[str]:
        paths = [each.split()[0] for each in self.upload_aliases if each.split()]
        if len(set(paths)) < len(paths):
            return ["AVENUE_UPLOAD_ALIASES names a path twice"]
        return [
            f"AVENUE_UPLOAD_ALIASES holds {each!r}: write path, field and category, as "
            "/api/core/orders/ image orders; the path begins with /api/"
            for each in self.upload_aliases
            if not ALIAS.fullmatch(each)
        ]

    def _wrong_roles(self) -> list[str]:
        unknown = sorted({*self.second_factor_roles} - {*ROLES})
        known = ", ".join(ROLES)
        return [f"AVENUE_SECOND_FACTOR_ROLES names {each!r}: there are {known}" for each in unknown]

    def _missing(self) -> list[str]:
        if self.local:
            return []
        required = {
            "MONGODB_URI": (
                self.mongodb_uri,
                "as mongodb+srv://user:password@cluster.example/avenue, a replica set (to try "
                "Avenue out, `python -m avenue serve --local` brings its own)",
            ),
            "PUBLIC_BASE_URL": (self.public_base_url, "as https://shop.example"),
        }
        return [
            f"{name} is missing: {right}" for name, (value, right) in required.items() if not value
        ]

    def _wrong_secret(self) -> list[str]:
        if self.local:
            return []
        advice = (
            f"use at least {LEAST_SECRET_LENGTH} random characters, as "
            '`python -c "import secrets; print(secrets.token_urlsafe(48))"` prints'
        )
        if not self.secret_key:
            return [f"SECRET_KEY is missing: {advice}"]
        weak = (
            len(self.secret_key) < LEAST_SECRET_LENGTH
            or len(set(self.secret_key)) < LEAST_SECRET_VARIETY
            or any(word in self.secret_key.lower() for word in WEAK_WORDS)
            or has_pattern(self.secret_key)
        )
        return [f"SECRET_KEY is too easy to guess: {advice}"] if weak else []

    def _wrong_mail(self) -> list[str]:
        problems = []
        if self.smtp_url and not is_smtp_url(self.smtp_url):
            problems.append(
                "AVENUE_SMTP_URL must be as smtp://user:password@mail.example:587 or smtps://…, "
                "user and password percent-encoded"
            )
        if self.mail_from and not is_mailbox(self.mail_from):
            problems.append(
                f"AVENUE_MAIL_FROM holds {self.mail_from!r}: write one address, as "
                "Shop <shop@shop.example>"
            )
        if self.smtp_url and not self.mail_from:
            problems.append("AVENUE_MAIL_FROM is missing: emails need a sender")
        return problems

    @property
    def purge_targets(self) -> list["PurgeTarget"]:
        """The CDNs of `AVENUE_PURGE_CDNS`, in order."""
        return [edge for each in self.purge_cdns if (edge := _parse_edge(each))]

    @property
    def purges_caches(self) -> bool:
        """Whether a CDN, a proxy or a URL receives purges."""
        return bool(self.purge_url or self.purge_cdns)

    def _wrong_purge(self) -> list[str]:
        problems = []
        if not all(map(_parse_edge, self.purge_cdns)):
            problems.append(
                "AVENUE_PURGE_CDNS must be as nginx=<secret>@http://10.0.0.5:8080, "
                "cloudflare=<zone>/<token>, fastly=<token>, bunny=<key> or "
                "cloudfront=<distribution>, separated by commas, each but nginx with @<domain> if "
                "it serves only that"
            )
        if not self.purge_url:
            return problems
        if not is_webhook_url(self.purge_url):
            problems.append(
                "AVENUE_PURGE_URL must be as https://hooks.example/purge; http only to a loopback "
                "or private address or to a name of a private network, as http://purger:9000/"
            )
        if len(self.purge_secret) < LEAST_SECRET_LENGTH:
            problems.append(
                f"AVENUE_PURGE_SECRET is missing or too short: the receiver of AVENUE_PURGE_URL "
                f"knows us by it; use at least {LEAST_SECRET_LENGTH} random characters"
            )
        return problems

    def _wrong_backup(self) -> list[str]:
        counts = [int(each) for each in self.backup_keep if each.isdecimal()]
        if len(self.backup_keep) != BACKUP_PERIODS or len(counts) != BACKUP_PERIODS:
            return ["AVENUE_BACKUP_KEEP must be three whole numbers: days,weeks,months, as 7,5,12"]
        if self.backup_key and not BACKUP_KEY.fullmatch(self.backup_key):
            return ["AVENUE_BACKUP_KEY is no key: `python -m avenue backup key` makes one"]
        return []

    def _wrong_suggestions(self) -> list[str]:
        if not self.alt_text_url:
            return []
        problems = []
        if not is_webhook_url(self.alt_text_url):
            problems.append(
                "AVENUE_ALT_TEXT_URL must be as https://texts.example/suggest; http only to a "
                "loopback or private address or to a name of a private network"
            )
        if not (self.alt_text_secret.isascii() and self.alt_text_secret.isprintable()):
            problems.append("AVENUE_ALT_TEXT_SECRET must be printable ASCII: it goes into a header")
        return problems

    def _wrong_scanner(self) -> list[str]:
        if not self.scanner or is_scanner_url(self.scanner):
            return []
        return ["AVENUE_SCANNER must be as clamd://scanner:3310, or clamd:///run/clamav/clamd.ctl"]

    def _wrong_passwords(self) -> list[str]:
        if not self.breached_passwords:
            return []
        try:
            with Path(self.breached_passwords).open("rb") as file:
                begins = file.read(LONGEST_HASH_LINE)
        except OSError as error:
            return [f"AVENUE_BREACHED_PASSWORDS cannot be read: {error.strerror}"]
        if HASH_LINE.match(begins):
            return []
        return ["AVENUE_BREACHED_PASSWORDS must be lines as <SHA-1 of 40 hex digits>:<count>"]

    def _wrong_challenge(self) -> list[str]:
        if self.challenge in {"off", "pow"}:
            return []
        needed = {
            "AVENUE_CHALLENGE_SITE_KEY": self.challenge_site_key,
            "AVENUE_CHALLENGE_SECRET": self.challenge_secret,
        }
        return [
            f"{name} is missing: {self.challenge} knows us by it"
            for name, value in needed.items()
            if not value
        ]

    @property
    def group_roles(self) -> list["GroupRole"]:
        """The roles of `AVENUE_OIDC_GROUPS`, in order."""
        return [given for each in self.oidc_groups if (given := _parse_group(each))]

    def _wrong_oidc(self) -> list[str]:
        if not self.oidc_issuer:
            return []
        problems = []
        if not is_webhook_url(self.oidc_issuer) or urlsplit(self.oidc_issuer).query:
            problems.append(
                "AVENUE_OIDC_ISSUER must be as https://sso.example/realms/shop; http only to a "
                "loopback or private address or to a name of a private network"
            )
        if not self.oidc_client_id:
            problems.append("AVENUE_OIDC_CLIENT_ID is missing: the provider knows us by it")
        if not self.oidc_groups or not all(map(_parse_group, self.oidc_groups)):
            problems.append(
                "AVENUE_OIDC_GROUPS must be as shop-admins=admin,photographers=editor@outlet, the "
                f"roles being {', '.join(ROLES)}"
            )
        if "openid" not in self.oidc_scopes.split():
            problems.append("AVENUE_OIDC_SCOPES must name openid")
        return problems

    @property
    def chats(self) -> list["AlertChat"]:
        """The chats of `AVENUE_ALERT_CHATS`, in order."""
        return [chat for each in self.alert_chats if (chat := _parse_chat(each))]

    def _wrong_webhook(self) -> list[str]:
        return _wrong_receiver("AVENUE_WEBHOOK", self.webhook_url, self.webhook_secret)

    def _wrong_telemetry(self) -> list[str]:
        problems = []
        if self.sentry_dsn and not SENTRY_DSN.fullmatch(self.sentry_dsn):
            problems.append("SENTRY_DSN must be as https://key@errors.example/1")
        if self.otlp_endpoint and not is_webhook_url(self.otlp_endpoint):
            problems.append(
                "OTEL_EXPORTER_OTLP_ENDPOINT must be as https://collector.example; http only to a "
                "loopback or private address or to a name of a private network, as http://collector:4318"
            )
        return problems

    def _wrong_alerts(self) -> list[str]:
        problems = _wrong_receiver("AVENUE_ALERT", self.alert_url, self.alert_secret)
        numbers = [int(each) for each in self.alert_percents if each.isdecimal()]
        is_rising = sorted(set(numbers)) == numbers and set(numbers) <= set(PERCENTS)
        if not is_rising or not len(numbers) == len(self.alert_percents) == ALERT_LEVELS:
            problems.append(
                "AVENUE_ALERT_PERCENTS must be three rising whole numbers up to 100, as 70,85,95"
            )
        if not all(map(is_mailbox, self.alert_emails)):
            problems.append(
                "AVENUE_ALERT_EMAILS must be addresses separated by commas, as ops@shop.example"
            )
        if not all(map(_parse_chat, self.alert_chats)):
            problems.append(
                "AVENUE_ALERT_CHATS must be as slack=https://hooks.slack.com/…, discord=…, "
                "teams=…, ntfy=… or telegram=<token>/<chat>, separated by commas"
            )
        if self.alert_emails and not self.smtp_url:
            problems.append("AVENUE_SMTP_URL is missing: AVENUE_ALERT_EMAILS needs it")
        return problems

    def _wrong_urls(self) -> list[str]:
        problems = []
        if self.mongodb_uri and not self.mongodb_uri.startswith(("mongodb://", "mongodb+srv://")):
            problems.append("MONGODB_URI must begin with mongodb:// or mongodb+srv://")
        named = [("PUBLIC_BASE_URL", self.public_base_url)] if self.public_base_url else []
        named += [("AVENUE_CORS_ORIGINS", origin) for origin in self.cors_origins]
        return problems + [
            f"{name} holds {url!r}: write scheme and host only, as https://shop.example"
            for name, url in named
            if not is_origin(url)
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertChat:
    """A chat that receives alerts; `target` is its URL, or token and chat of Telegram."""

    service: str
    target: str = field(repr=False)
    critical_only: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRole:
    """The role of a provider's group on a site; the site may be `EVERY_SITE`."""

    group: str
    role: str
    site: str


EVERY_SITE = "*"
GROUP = re.compile(r"(\S(?:.*\S)?)=([a-z]+)(?:@(\*|[a-z0-9-]+))?")


def _parse_group(text: str) -> GroupRole | None:
    found = GROUP.fullmatch(text)
    if not found or found[2] not in ROLES:
        return None
    return GroupRole(group=found[1], role=found[2], site=found[3] or "default")


CHAT = re.compile(r"(critical:)?(slack|discord|teams|ntfy|telegram)=(\S+)")
TELEGRAM = re.compile(r"[0-9]{1,20}:[A-Za-z0-9_-]{20,100}/(-?[0-9]{1,20}|@[A-Za-z0-9_]{1,64})")


def _parse_chat(text: str) -> AlertChat | None:
    found = CHAT.fullmatch(text)
    if not found:
        return None
    service, target = found[2], found[3]
    is_fine = TELEGRAM.fullmatch(target) if service == "telegram" else is_webhook_url(target)
    if not is_fine:
        return None
    return AlertChat(service=service, target=target, critical_only=bool(found[1]))


@dataclass(frozen=True, slots=True, kw_only=True)
class PurgeTarget:
    """A CDN or proxy to purge; `target` has its credentials.

    It serves `domain` and the hosts below it; every host if that is empty.
    """

    service: str
    target: str = field(repr=False)
    domain: str = ""

    def serves(self, host: str) -> bool:
        """Return whether this CDN may have stored answers of `host`, a name without a port."""
        return not self.domain or host == self.domain or host.endswith(f".{self.domain}")


EDGE = re.compile(
    r"(?:(cloudflare)=([0-9a-f]{32}/[A-Za-z0-9_-]{20,200})|(fastly|bunny)=([A-Za-z0-9_-]{20,200})"
    r"|(cloudfront)=([A-Z0-9]{8,30}))(?:@([a-z0-9-]+(?:\.[a-z0-9-]+)+))?"
    r"|(nginx)=([A-Za-z0-9_-]{20,200}@https?://[^/?#@\s]+)"
)
"""By service: the credentials, of at least 20 characters, and the domain."""


def _parse_edge(text: str) -> PurgeTarget | None:
    found = EDGE.fullmatch(text)
    if not found:
        return None
    service, target, *domain = (each for each in found.groups() if each)
    if service == "nginx" and not is_webhook_url(target.partition("@")[2]):
        return None
    return PurgeTarget(service=service, target=target, domain="".join(domain))


@dataclass(frozen=True, slots=True)
class UploadAlias:
    """A path at which a form's file becomes an upload of `category`, answered as `field`."""

    path: str
    field: str
    category: str


def _wrong_receiver(name: str, url: str, secret: str) -> list[str]:
    """Return the errors in `<name>_URL` and `<name>_SECRET`; none without a URL."""
    if not url:
        return []
    problems = []
    if not is_webhook_url(url):
        problems.append(
            f"{name}_URL must be as https://hooks.example/avenue; http only to a loopback or "
            "private address or to a name of a private network, as http://hooks/"
        )
    if webhook_key(secret) is None:
        problems.append(
            f"{name}_SECRET is missing or no such secret: the receiver of {name}_URL knows us by "
            f"it; use {WEBHOOK_PREFIX} and the base64 of 32 random bytes"
        )
    return problems


def is_smtp_url(url: str) -> bool:
    """Return whether `url` is `smtp` or `smtps`, a host, and maybe user, password and port."""
    try:
        parts = urlsplit(url)
        port_ok = parts.port is None or parts.port > 0
    except ValueError:
        return False
    bare = parts.path in {"", "/"} and not (parts.query or parts.fragment)
    return parts.scheme in {"smtp", "smtps"} and bool(parts.hostname) and bare and port_ok


def is_scanner_url(url: str) -> bool:
    """Return whether `url` is `clamd` with a host, maybe a port, or with a socket path."""
    try:
        parts = urlsplit(url)
        port_ok = parts.port is None or parts.port > 0
    except ValueError:
        return False
    is_bare = not (parts.query or parts.fragment or parts.username or parts.password)
    is_one = bool(parts.hostname) != (len(parts.path) > 1)
    return parts.scheme == "clamd" and is_bare and is_one and port_ok


def is_webhook_url(url: str) -> bool:
    """Return whether messages may be sent to `url`: encrypted, or within a private network."""
    try:
        parts = urlsplit(url)
        port_ok = parts.port is None or parts.port > 0
    except ValueError:
        return False
    host = parts.hostname or ""
    is_plain = url.isascii() and url.isprintable() and " " not in url
    if not (host and port_ok and is_plain) or parts.username or parts.fragment:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and is_trusted_host(host))


def webhook_key(secret: str) -> bytes | None:
    """Return the key in a secret of Standard Webhooks; None when it is malformed."""
    try:
        key = base64.b64decode(secret.removeprefix(WEBHOOK_PREFIX), validate=True)
    except ValueError:
        return None
    is_long_enough = LEAST_WEBHOOK_KEY_BYTES <= len(key) <= MOST_WEBHOOK_KEY_BYTES
    return key if secret.startswith(WEBHOOK_PREFIX) and is_long_enough else None


def is_mailbox(text: str) -> bool:
    """Return whether `text` is one email address, with or without a name before it."""
    _, address = parseaddr(text)
    before, at, domain = address.rpartition("@")
    is_whole = address in text  # spaces inside are dropped, which makes it another address
    return bool(before and at and domain) and is_whole and "\n" not in text and "\r" not in text


def is_origin(url: str) -> bool:
    """Return whether `url` is scheme (http or https), host and maybe a port, and nothing else."""
    try:
        parts = urlsplit(url)
        port_ok = parts.port is None or parts.port > 0
    except ValueError:
        return False
    bare = parts.path in {"", "/"} and not (parts.query or parts.fragment or parts.username)
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and bare and port_ok


def _read(each: Field[Any], text: str, problems: list[str]) -> Any:
    """Return the parsed `text`, or None after adding to `problems`."""
    reader = _READERS[each.type if isinstance(each.type, str) else _type_name(each.type)]
    env, row = each.metadata["env"], each.metadata
    try:
        value = reader(text)
    except ValueError as error:
        problems.append(f"{env} {error}" + ("" if row["secret"] else f", not {text!r}"))
        return None
    if row["choices"] and value not in row["choices"]:
        problems.append(f"{env} must be one of {', '.join(row['choices'])}, not {text!r}")
        return None
    too_small = row["least"] is not None and value < row["least"]
    too_large = row["most"] is not None and value > row["most"]
    if too_small or too_large:
        problems.append(f"{env} must be {bounds(row)}, not {text!r}")
        return None
    return value


def bounds(row: Mapping[str, Any]) -> str:
    """Return the accepted numbers of a setting in words."""
    unit = f" {row['unit']}" if row["unit"] else ""
    if row["most"] is None:
        return f"at least {row['least']}{unit}"
    return f"{row['least']} to {row['most']}{unit}"


def _cluster_uris(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return `name=URI` for each variable of a cluster."""
    return tuple(
        f"{name.removeprefix(CLUSTER_PREFIX).lower()}={uri.strip()}"
        for name, uri in sorted(environ.items())
        if name.startswith(CLUSTER_PREFIX) and name != "AVENUE_CLUSTER_UNITS" and uri.strip()
    )


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError("must be a whole number") from None


def _boolean(text: str) -> bool:
    if text.lower() in {"1", "true", "yes", "on"}:
        return True
    if text.lower() in {"0", "false", "no", "off"}:
        return False
    raise ValueError("must be 1 or 0")


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip().rstrip("/") for part in text.split(",") if part.strip())


def _type_name(kind: object) -> str:
    return getattr(kind, "__name__", str(kind)) if kind in {str, int, bool, Path} else "tuple"


def _written(value: object) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    return ",".join(value) if isinstance(value, tuple) else str(value)


_READERS: dict[str, Callable[[str], Any]] = {
    "str": str,
    "int": _integer,
    "bool": _boolean,
    "Path": Path,
    "tuple": _names,
}


def new_secret() -> str:
    """Return a random value for SECRET_KEY."""
    return secrets.token_urlsafe(48)


def secret_kept_in(file: Path, make: Callable[[], str]) -> str:
    """Return the secret in `file`, which only its owner can read; the first call creates it."""
    if not file.exists():
        # Renamed only once it is complete: an empty file would be kept for ever.
        own = file.with_name(f"{file.name}.{os.getpid()}")
        own.touch(mode=0o600)
        own.write_text(make())
        with suppress(FileExistsError):  # another process was faster
            os.link(own, file)
        own.unlink()
    return file.read_text()


def bare_environ() -> dict[str, str]:
    """Return the environment a child process needs to start Python, without secrets."""
    needed = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PYTHONHOME", "LANG", "LC_ALL")
    return {name: os.environ[name] for name in needed if name in os.environ}


def metrics_folder() -> Path | None:
    """Return the folder of this instance's metrics; None for a single process."""
    named = os.environ.get("PROMETHEUS_MULTIPROC_DIR", "")
    folder = Path(named)
    return folder if named and folder.is_dir() else None

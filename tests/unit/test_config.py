"""Settings: what they take, what they refuse, and that they keep secrets."""

import base64
from dataclasses import fields, replace
from pathlib import Path
from secrets import token_hex

import pytest

from avenue.config import ConfigError, Settings, new_secret, webhook_key
from avenue.identity import Role
from tests.table import table

SECRET = "dfGh38-kLmnb_Qwe92zXcvB71-plOkmIjn"
WEBHOOK_SECRET = f"whsec_{base64.b64encode(SECRET.encode()).decode()}"
DEPLOYED = {
    "MONGODB_URI": "mongodb+srv://user:pa55@cluster.example/shop",
    "SECRET_KEY": SECRET,
    "PUBLIC_BASE_URL": "https://shop.example",
}
LOCAL = {"AVENUE_LOCAL": "1"}


def problems(**environ: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        Settings.from_env(environ)
    return caught.value.problems


def test_a_local_start_needs_nothing():
    settings = Settings.from_env(LOCAL)
    assert settings == Settings(local=True)
    assert (settings.port, settings.workers, settings.max_images_per_product) == (8000, 2, 5)
    assert settings.base_url == "http://127.0.0.1:8000"


def test_a_deployment_needs_three():
    settings = Settings.from_env(DEPLOYED)
    assert settings.mongodb_uri == DEPLOYED["MONGODB_URI"]
    assert settings.secret_key == SECRET
    assert settings.base_url == "https://shop.example"
    assert not settings.local


def test_what_is_missing_is_named_all_at_once_with_what_would_be_right():
    found = problems()
    assert [each.partition(" ")[0] for each in found] == [
        "MONGODB_URI",
        "PUBLIC_BASE_URL",
        "SECRET_KEY",
    ]
    for each, right in zip(found, ["mongodb+srv://", "https://", "token_urlsafe"], strict=True):
        assert "is missing" in each
        assert right in each


def test_all_mistakes_are_reported_together():
    with pytest.raises(ConfigError) as caught:
        Settings.from_env(
            {
                "MONGODB_URI": "localhost:27017",
                "SECRET_KEY": "short",
                "PUBLIC_BASE_URL": "shop.example/path",
                "PORT": "http",
                "WEB_CONCURRENCY": "0",
                "AVENUE_JOBS": "thread",
                "AVENUE_LOCAL": "maybe",
                "AVENUE_CORS_ORIGINS": "https://app.example,app2.example",
            }
        )
    text = str(caught.value)
    assert len(caught.value.problems) == 8
    for each in caught.value.problems:
        assert f"\n  - {each}" in text
    assert "PORT must be a whole number, not 'http'" in text
    assert "WEB_CONCURRENCY must be 1 to 64 processes, not '0'" in text
    assert "AVENUE_JOBS must be one of inline, worker, not 'thread'" in text
    assert "AVENUE_LOCAL must be 1 or 0, not 'maybe'" in text
    assert "AVENUE_CORS_ORIGINS holds 'app2.example'" in text
    assert "PUBLIC_BASE_URL holds 'shop.example/path'" in text
    assert "MONGODB_URI must begin with mongodb://" in text
    assert "SECRET_KEY is too easy to guess" in text


NUMBERS = [each for each in fields(Settings) if each.metadata["least"] is not None]


@table("each", NUMBERS)
def test_every_number_has_bounds_and_a_default_within(each):
    row = each.metadata
    assert row["unit"] or each.name == "port"
    for value, fine in (
        (row["least"], True),
        (row["least"] - 1, False),
        (row["most"], True),
        (None if row["most"] is None else row["most"] + 1, False),
    ):
        if value is None:
            continue
        environ = {**LOCAL, row["env"]: str(value)}
        if fine:
            assert getattr(Settings.from_env(environ), each.name) == value
        else:
            assert [row["env"] in each for each in problems(**environ)] == [True]
    assert each.default >= row["least"]
    assert row["most"] is None or each.default <= row["most"]


@pytest.mark.parametrize("text", ["", "1.5", "ten", "0x10", "1e3", "--5", "5 MB"])
def test_a_number_is_a_whole_one_or_the_default(text):
    environ = {**LOCAL, "AVENUE_MAX_MEDIA_MB": text}
    if text:
        assert "AVENUE_MAX_MEDIA_MB must be a whole number" in problems(**environ)[0]
    else:
        assert Settings.from_env(environ).max_media_mb == 10


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", True), ("true", True), ("YES", True), ("on", True), ("0", False), ("No", False)],
)
def test_a_switch_is_written_in_the_usual_ways(text, value):
    assert Settings.from_env({**DEPLOYED, "AVENUE_LOCAL": text}).local is value


WEAK = (
    "",
    " ",
    "short",
    "a" * 64,
    "ab" * 40,
    "abcdefghi" * 10,
    "0123456789" * 5,
    "0123456789" * 3 + "01",
    "abcdefghijklmnopqrstuvwxyz0123456789",
    "9876543210zyxwvutsrqponmlkjihgfedcba",
    "a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p6q7r8",
    "x8!Kq2#Lm9$Pz4%Rt" * 2 + "x8!K",
    SECRET[:31],
    "changeme-" + SECRET,
    "my-secret-key-" + SECRET,
    "PASSWORD" + SECRET,
    "development" + SECRET,
)


@pytest.mark.parametrize("key", WEAK)
def test_a_weak_secret_is_refused_and_not_shown(key):
    found = problems(**{**DEPLOYED, "SECRET_KEY": key})
    assert len(found) == 1
    assert found[0].startswith("SECRET_KEY is ")
    assert "token_urlsafe(48)" in found[0]
    assert not key.strip() or key not in found[0]


@pytest.mark.parametrize("key", WEAK)
def test_a_local_start_takes_any_secret(key):
    assert Settings.from_env({**LOCAL, "SECRET_KEY": key}).secret_key == key.strip()


def test_a_random_secret_is_taken():
    for key in (
        SECRET,
        SECRET[:32],
        token_hex(16),
        token_hex(32),
        *(new_secret() for _ in range(100)),
    ):
        assert Settings.from_env({**DEPLOYED, "SECRET_KEY": key}).secret_key == key


@table(
    "url, fine",
    [
        ("https://shop.example", True),
        ("https://shop.example/", True),
        ("http://127.0.0.1:8000", True),
        ("https://shop.example:8443", True),
        ("http://[::1]:8000", True),
        ("shop.example", False),
        ("ftp://shop.example", False),
        ("https://shop.example/shop", False),
        ("https://shop.example?x=1", False),
        ("https://shop.example#x", False),
        ("https://user@shop.example", False),
        ("https://", False),
        ("https://shop.example:0", False),
        ("https://shop.example:99999", False),
        ("https://shop.example:port", False),
        ("https://[::1", False),
        ("javascript:alert(1)", False),
    ],
)
def test_an_address_is_scheme_and_host_only(url, fine):
    if fine:
        base_url = Settings.from_env({**DEPLOYED, "PUBLIC_BASE_URL": url}).base_url
        assert base_url == url.rstrip("/")
        assert Settings.from_env({**DEPLOYED, "AVENUE_CORS_ORIGINS": url}).cors_origins == (
            base_url,
        )
    else:
        assert "PUBLIC_BASE_URL holds" in problems(**{**DEPLOYED, "PUBLIC_BASE_URL": url})[0]
        assert (
            "AVENUE_CORS_ORIGINS holds" in problems(**{**DEPLOYED, "AVENUE_CORS_ORIGINS": url})[0]
        )


@pytest.mark.parametrize(
    ("chats", "services"),
    [
        ("slack=https://hooks.slack.com/services/a/b", ["slack"]),
        ("critical:ntfy=https://ntfy.example/t, teams=https://x.example/?a=b", ["ntfy", "teams"]),
        ("telegram=12:abcdefghijklmnopqrstuvwxyz/-100", ["telegram"]),
        ("telegram=https://api.telegram.org/bot12:abc/sendMessage", None),
        ("slack=http://hooks.slack.com/services/a/b", None),
        ("irc=https://irc.example/", None),
        ("https://hooks.slack.com/services/a/b", None),
    ],
)
def test_chats_are_services_with_where_they_are(chats, services):
    environ = {**LOCAL, "AVENUE_ALERT_CHATS": chats}
    if services:
        found = Settings.from_env(environ).chats
        assert [each.service for each in found] == services
        assert [each.critical_only for each in found] == [
            each.strip().startswith("critical:") for each in chats.split(",")
        ]
        return
    assert [each.partition(" ")[0] for each in problems(**environ)] == ["AVENUE_ALERT_CHATS"]


def test_a_challenge_of_a_service_needs_its_keys():
    keys = {"AVENUE_CHALLENGE_SITE_KEY": "0x4AAA", "AVENUE_CHALLENGE_SECRET": "0x4s3cret"}
    assert Settings.from_env(LOCAL).challenge == "off"
    for service in ("turnstile", "hcaptcha"):
        environ = {**LOCAL, "AVENUE_CHALLENGE": service}
        assert Settings.from_env({**environ, **keys}).challenge == service
        told = problems(**environ)
        assert [each.partition(" ")[0] for each in told] == [*keys]


def test_origins_are_separated_by_commas():
    environ = {**LOCAL, "AVENUE_CORS_ORIGINS": " https://a.example/ ,, https://b.example"}
    assert Settings.from_env(environ).cors_origins == ("https://a.example", "https://b.example")


def test_secrets_are_never_printed():
    secrets = {
        "MONGODB_URI": "mongodb://user:pa55@db.example/x",
        "AVENUE_ADOPT_FROM": "mongodb://user:pa55@db.example/old",
        "SECRET_KEY": SECRET,
        "AVENUE_ADMIN_PASSWORD": "teapot-ladder",
        "AVENUE_SMTP_URL": "smtp://shop:fa5tm41l@mail.example:587",
        "AVENUE_PURGE_URL": "https://hooks.example/purge?token=t0k3n",
        "AVENUE_PURGE_SECRET": "a-r3ceiver-knows-this-and-nobody-else",
        "AVENUE_PURGE_CDNS": "fastly=f4stly-of-the-shop-0123456789",
        "AVENUE_ALT_TEXT_URL": "https://texts.example/suggest?token=t0k3n",
        "AVENUE_ALT_TEXT_SECRET": "s0mebody-who-describes-pictures",
        "AVENUE_WEBHOOK_URL": "https://hooks.example/avenue?token=t0k3n",
        "AVENUE_WEBHOOK_SECRET": WEBHOOK_SECRET,
        "SENTRY_DSN": "https://k3yofsentry@errors.example/1",
        "AVENUE_ALERT_URL": "https://hooks.example/alerts?token=t0k3n",
        "AVENUE_ALERT_SECRET": WEBHOOK_SECRET,
        "AVENUE_ALERT_EMAILS": "ana@operators.example",
        "AVENUE_ALERT_CHATS": "slack=https://hooks.slack.com/services/T1/t0k3n",
        "AVENUE_BACKUP_S3_SECRET": "b4ckups-of-the-shop-in-a-bucket",
        "AVENUE_BACKUP_KEY": "avbk_n0-such-key-0123456789-0123456789-012345678",
        "AVENUE_IMPORT_S3_SECRET": "bucket-of-the-s0urce",
        "AVENUE_IMPORT_SUPABASE_KEY": "s3rvice-role-of-the-source",
        "AVENUE_IMPORT_CLOUDINARY_SECRET": "cl0ud-of-the-source",
        "AVENUE_CLUSTER_C2": "mongodb://user:cl5ster@c2.example/x",
        "AVENUE_IMPORT_CFIMAGES_TOKEN": "t0ken-of-the-source",
        "AVENUE_OIDC_CLIENT_SECRET": "cl1ent-of-the-sign-in-provider",
        "AVENUE_CHALLENGE_SECRET": "s3cret-of-the-widget",
    }
    settings = Settings.from_env({**DEPLOYED, **secrets, "AVENUE_MAIL_FROM": "a@shop.example"})
    for secret in (*secrets.values(), "pa55", "fa5tm41l", "t0k3n", "cl5ster"):
        assert secret not in repr(settings)
        assert secret not in str(settings)
    assert "shop.example" in repr(settings)
    assert {each.metadata["env"] for each in fields(Settings) if each.metadata["secret"]} == {
        each.replace("_C2", "_<NAME>") for each in secrets
    }


@pytest.mark.parametrize(
    "url",
    [
        "mail.example",
        "http://mail.example",
        "smtp://",
        "smtp://shop:fa5tm41l@",
        "smtp://shop:fa5tm41l@mail.example:x",
        "smtp://shop:fa5tm41l@mail.example/inbox",
        "smtps://shop:fa5tm41l@mail.example?tls=0",
    ],
)
def test_a_wrong_mail_server_is_reported_without_its_password(url):
    told = problems(**LOCAL, AVENUE_SMTP_URL=url, AVENUE_MAIL_FROM="shop@shop.example")
    assert [each.partition(" ")[0] for each in told] == ["AVENUE_SMTP_URL"]
    assert "fa5tm41l" not in str(told)


@table(
    "url, is_right",
    [
        ("https://hooks.example/purge?zone=1", True),
        ("https://hooks.example", True),
        ("https://198.51.100.7:8443/purge", True),
        ("http://127.0.0.1:9000/", True),
        ("http://[::1]:9000/", True),
        ("http://10.1.2.3/purge", True),
        ("http://localhost/purge", True),
        ("http://purger:9000/", True),
        ("http://purger.shop.svc.cluster.local/", True),
        ("http://hooks.example/purge", False),
        ("http://8.8.8.8/purge", False),
        ("http://127.0.0.1.example.com/", False),
        ("https://user:s3cr3t@hooks.example/", False),
        ("https://hooks.example/#part", False),
        ("https://hooks.example/a b", False),
        ("https:///purge", False),
        ("ftp://hooks.example/", False),
        ("hooks.example/s3cr3t", False),
        ("https://hooks.example:x/", False),
    ],
)
def test_what_an_edge_must_forget_is_told_encrypted_or_at_home(url, is_right):
    environ = {**LOCAL, "AVENUE_PURGE_URL": url, "AVENUE_PURGE_SECRET": SECRET}
    if is_right:
        assert Settings.from_env(environ).purge_url == url
        return
    told = problems(**environ)
    assert [each.partition(" ")[0] for each in told] == ["AVENUE_PURGE_URL"]
    assert "s3cr3t" not in str(told)


@table(
    "cdns, services",
    [
        ("", []),
        (f"cloudflare={'0a' * 16}/{'t0k3n' * 5}", ["cloudflare"]),
        (
            f"nginx={'t0k3n' * 5}@http://10.0.0.5:8080, nginx={'t0k3n' * 5}@https://b.example, "
            f"bunny={'t0k3n' * 5}",
            ["nginx", "nginx", "bunny"],
        ),
        ("cloudfront=EDFDVBD6EXAMPLE", ["cloudfront"]),
        (f"fastly={'t0k3n' * 5}", ["fastly"]),
        (f"cloudflare={'t0k3n' * 5}", None),
        (f"nginx={'t0k3n' * 5}@http://edge.example", None),
        ("nginx=t0k3n@http://10.0.0.5", None),
        (f"akamai={'t0k3n' * 5}", None),
        (f"fastly={'t0k3n' * 5}\n", ["fastly"]),
        (
            f"bunny={'t0k3n' * 5}@shop.example,cloudfront=EDFDVBD6EXAMPLE@a.b-c.py",
            ["bunny", "cloudfront"],
        ),
        (f"fastly={'t0k3n' * 5}@shop", None),
        (f"fastly={'t0k3n' * 5}@https://shop.example", None),
        ("fastly=", None),
    ],
)
def test_edges_are_told_by_their_own_api(cdns: str, services: list[str] | None) -> None:
    environ = {**LOCAL, "AVENUE_PURGE_CDNS": cdns}
    if services is not None:
        found = Settings.from_env(environ)
        assert [each.service for each in found.purge_targets] == services
        assert found.purges_caches is bool(services)
        assert "t0k3n" not in repr(found.purge_targets)
        return
    told = problems(**environ)
    assert [each.partition(" ")[0] for each in told] == ["AVENUE_PURGE_CDNS"]
    assert "t0k3n" not in str(told)


def test_a_service_that_describes_pictures_is_named_by_an_address_and_known_by_a_header():
    for good in ("https://texts.example/suggest", "http://captions:9400/"):
        assert Settings.from_env({**LOCAL, "AVENUE_ALT_TEXT_URL": good}).alt_text_url == good
    for bad in ("http://texts.example/", "ftp://captions/", "texts.example"):
        assert problems(**LOCAL, AVENUE_ALT_TEXT_URL=bad)[0].startswith("AVENUE_ALT_TEXT_URL ")
    named = {**LOCAL, "AVENUE_ALT_TEXT_URL": "http://captions:9400/"}
    assert problems(**named, AVENUE_ALT_TEXT_SECRET="a\nb: c")[0].startswith("AVENUE_ALT_TEXT_S")


def test_a_receiver_of_purges_knows_us_by_a_secret():
    for secret in ({}, {"AVENUE_PURGE_SECRET": "short"}):
        told = problems(**LOCAL, AVENUE_PURGE_URL="https://hooks.example/purge", **secret)
        assert [each.partition(" ")[0] for each in told] == ["AVENUE_PURGE_SECRET"]
        assert "short" not in " ".join(told).replace("too short", "")


@pytest.mark.parametrize(
    ("url", "is_right"),
    [
        ("https://hooks.example:8443/avenue?zone=1", True),
        ("http://hooks:9000/", True),
        ("http://hooks.example/", False),
        ("hooks.example/s3cr3t", False),
    ],
)
def test_a_receiver_of_webhooks_is_named_as_one_of_purges(url, is_right):
    environ = {**LOCAL, "AVENUE_WEBHOOK_URL": url, "AVENUE_WEBHOOK_SECRET": WEBHOOK_SECRET}
    if is_right:
        assert Settings.from_env(environ).webhook_url == url
        return
    told = problems(**environ)
    assert [each.partition(" ")[0] for each in told] == ["AVENUE_WEBHOOK_URL"]
    assert "s3cr3t" not in str(told)


def test_groups_of_a_provider_give_roles_on_sites():
    right = {
        "AVENUE_OIDC_ISSUER": "https://sso.example/realms/shop",
        "AVENUE_OIDC_CLIENT_ID": "avenue",
        "AVENUE_OIDC_GROUPS": "/las jefas=admin, a=b=editor@outlet ,all=client@*",
    }
    found = Settings.from_env({**LOCAL, **right}).group_roles
    assert [(each.group, each.role, each.site) for each in found] == [
        ("/las jefas", "admin", "default"),
        ("a=b", "editor", "outlet"),
        ("all", "client", "*"),
    ]
    for name, wrong in (
        ("AVENUE_OIDC_ISSUER", "http://sso.example"),
        ("AVENUE_OIDC_ISSUER", "https://me@sso.example/"),
        ("AVENUE_OIDC_ISSUER", "https://sso.example/?realm=a"),
        ("AVENUE_OIDC_CLIENT_ID", ""),
        ("AVENUE_OIDC_GROUPS", ""),
        ("AVENUE_OIDC_GROUPS", "admins=superuser"),
        ("AVENUE_OIDC_GROUPS", "admins=admin,=staff"),
        ("AVENUE_OIDC_GROUPS", "admins=admin@"),
        ("AVENUE_OIDC_SCOPES", "email profile"),
        ("AVENUE_OIDC_LINK", "all"),
        ("AVENUE_OIDC_SECOND_FACTOR", "none"),
    ):
        told = problems(**{**LOCAL, **right, name: wrong})
        assert [each.partition(" ")[0] for each in told] == [name], wrong


def of_bytes(count: int) -> str:
    return "whsec_" + base64.b64encode(bytes(range(count))).decode()


@pytest.mark.parametrize(
    ("secret", "is_right"),
    [
        (of_bytes(24), True),
        (of_bytes(64), True),
        (of_bytes(23), False),
        (of_bytes(65), False),
        (of_bytes(32).removeprefix("whsec_"), False),
        (of_bytes(32) + "!", False),
        ("whsec_ñandú", False),
        ("", False),
    ],
)
def test_a_secret_of_webhooks_is_one_of_the_standard(secret, is_right):
    environ = {**LOCAL, "AVENUE_WEBHOOK_URL": "https://hooks.example/"}
    if is_right:
        settings = Settings.from_env({**environ, "AVENUE_WEBHOOK_SECRET": secret})
        assert webhook_key(settings.webhook_secret) == base64.b64decode(secret[6:])
        return
    told = problems(**environ, AVENUE_WEBHOOK_SECRET=secret)
    assert [each.partition(" ")[0] for each in told] == ["AVENUE_WEBHOOK_SECRET"]
    assert len(secret) < 10 or secret not in str(told)


@pytest.mark.parametrize(
    "url", ["smtp://mail.example", "smtps://u:p@mail.example:465/", "smtp://[::1]:1025"]
)
def test_emails_need_a_sender(url):
    told = problems(**LOCAL, AVENUE_SMTP_URL=url)
    assert told == ["AVENUE_MAIL_FROM is missing: emails need a sender"]
    senders = ("shop@shop.example", "Zapatos Añá <shop@shop.example>")
    for sender in senders:
        environ = {**LOCAL, "AVENUE_SMTP_URL": url, "AVENUE_MAIL_FROM": sender}
        assert Settings.from_env(environ).mail_from == sender


@pytest.mark.parametrize(
    "sender", ["shop", "@shop.example", "shop@", "a@b.example\nBcc: c@d.example"]
)
def test_a_sender_is_one_address(sender):
    told = problems(**LOCAL, AVENUE_MAIL_FROM=sender)
    assert [each.partition(" ")[0] for each in told] == ["AVENUE_MAIL_FROM"]


def test_a_wrong_uri_is_reported_without_showing_it():
    told = problems(**{**DEPLOYED, "MONGODB_URI": "http://user:pa55@db.example"})
    assert "pa55" not in str(told)


OTHER = Settings(
    mongodb_uri="mongodb://db.example/shop",
    secret_key=SECRET,
    public_base_url="https://shop.example",
    local=True,
    port=8123,
    data_dir=Path("/data/avenue"),
    cors_origins=("https://a.example", "https://b.example"),
    jobs="worker",
    cache_seconds=0,
    max_images_per_product=7,
)


@pytest.mark.parametrize("settings", [Settings(local=True), OTHER, replace(OTHER, local=False)])
def test_a_child_process_reads_the_same_settings(settings):
    assert Settings.from_env(settings.as_env()) == settings


def test_a_child_process_gets_only_what_differs():
    assert Settings(local=True, port=8123).as_env() == {"AVENUE_LOCAL": "1", "PORT": "8123"}


def test_settings_cannot_be_changed():
    with pytest.raises(AttributeError):
        Settings().port = 1  # type: ignore[misc]


def test_every_setting_has_its_own_name_and_says_what_it_is_for():
    names = [each.metadata["env"] for each in fields(Settings)]
    assert len(names) == len(set(names))
    for each in fields(Settings):
        assert each.metadata["about"].endswith("."), each.name


@pytest.mark.parametrize(
    "percents",
    ["70,85", "70,85,95,99", "85,70,95", "70,70,95", "70,85,101", "0,85,95", "70,85,x", "70,8.5,9"],
)
def test_the_levels_of_alerts_are_three_rising_percents(percents):
    assert Settings.from_env(LOCAL).alert_levels == (70, 85, 95)
    rising = {**LOCAL, "AVENUE_ALERT_PERCENTS": "1, 50 ,100"}
    assert Settings.from_env(rising).alert_levels == (1, 50, 100)
    (told,) = problems(**LOCAL, AVENUE_ALERT_PERCENTS=percents)
    assert told.startswith("AVENUE_ALERT_PERCENTS must be three rising whole numbers")


def test_emails_about_alerts_need_addresses_and_a_mail_server():
    mail = {"AVENUE_SMTP_URL": "smtp://mail.example", "AVENUE_MAIL_FROM": "a@shop.example"}
    emails = {"AVENUE_ALERT_EMAILS": "ana@shop.example, Bea <bea@shop.example>"}
    assert len(Settings.from_env({**LOCAL, **mail, **emails}).alert_emails) == 2
    (told,) = problems(**LOCAL, **emails)
    assert told.startswith("AVENUE_SMTP_URL is missing")
    for wrong in ("ana@shop.example,s3cr3t", "ana@shop example"):
        (told,) = problems(**LOCAL, **mail, AVENUE_ALERT_EMAILS=wrong)
        assert told.startswith("AVENUE_ALERT_EMAILS must be addresses")
        assert "s3cr3t" not in told


@pytest.mark.parametrize(
    ("url", "secret", "wrong"),
    [
        ("https://hooks.example/alerts?token=1", WEBHOOK_SECRET, []),
        ("http://pager:9000/", WEBHOOK_SECRET, []),
        ("http://hooks.example/", WEBHOOK_SECRET, ["AVENUE_ALERT_URL"]),
        ("https://hooks.example/", "whsec_short", ["AVENUE_ALERT_SECRET"]),
        ("ftp://hooks.example/", SECRET, ["AVENUE_ALERT_URL", "AVENUE_ALERT_SECRET"]),
    ],
)
def test_a_receiver_of_alerts_is_told_encrypted_or_at_home_and_knows_us(url, secret, wrong):
    environ = {**LOCAL, "AVENUE_ALERT_URL": url, "AVENUE_ALERT_SECRET": secret}
    if not wrong:
        assert Settings.from_env(environ).alert_url == url
        return
    assert [each.partition(" ")[0] for each in problems(**environ)] == wrong


def test_roles_that_need_a_second_factor_are_those_there_are():
    every = ",".join(role.value for role in Role)
    settings = Settings.from_env({**LOCAL, "AVENUE_SECOND_FACTOR_ROLES": every})
    assert settings.second_factor_roles == tuple(Role)
    (told,) = problems(**LOCAL, AVENUE_SECOND_FACTOR_ROLES="admin,boss")
    assert told.startswith("AVENUE_SECOND_FACTOR_ROLES names 'boss': there are admin, editor,")


def test_each_variable_of_a_cluster_names_one():
    uris = {name: f"mongodb://{name}.example/avenue" for name in ("c2", "south_1")}
    environ = {f"AVENUE_CLUSTER_{name.upper()}": uri for name, uri in uris.items()}
    settings = Settings.from_env({**DEPLOYED, **environ, "AVENUE_CLUSTER_UNITS": "8"})
    assert (settings.clusters, settings.cluster_units) == (uris, 8)
    assert environ.items() <= settings.as_env().items()
    assert Settings.from_env(settings.as_env()) == settings
    for name, uri, why in (
        ("HOME", "mongodb://a.example", "not HOME"),
        ("9", "mongodb://a.example", "a letter first"),
        ("C2", "http://user:cl5ster@a.example", "must begin with mongodb://"),
        ("C2", DEPLOYED["MONGODB_URI"], "have the same URI"),
    ):
        (told,) = problems(**DEPLOYED, **{f"AVENUE_CLUSTER_{name}": uri})
        assert why in told
        assert "cl5ster" not in told

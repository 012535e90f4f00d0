"""Each edge is told what to forget as its documentation says: a stand-in of each API."""

import json
from collections.abc import Iterator
from urllib.parse import unquote
from xml.etree import ElementTree as ET

import pytest

from avenue.config import PurgeTarget
from avenue.notifications.cdns import BASES, CLOUDFLARE_URLS, CLOUDFRONT_PATHS, SERVICES, purge
from avenue.notifications.errors import Refused
from avenue.webhooks.errors import NotDelivered
from tests.receiver import Inbox, Told, receiving
from tests.table import table

PICTURE = f"/media/{'a' * 22}"
URLS = [
    "https://shop.example/",
    "https://shop.example/products/x/zapato",
    f"https://shop.example{PICTURE}/original",
    f"https://shop.example{PICTURE}/{'0' * 12}/thumb.webp?download=1",
    "https://www.shop.example/",
]
ZONE, TOKEN = "0123456789abcdef" * 2, "planted-t0ken-0123456789"
TARGETS = {
    "cloudflare": f"{ZONE}/{TOKEN}",
    "fastly": TOKEN,
    "bunny": TOKEN,
    "cloudfront": "EDFDVBD6EXAMPLE",
    "nginx": TOKEN,
}


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Inbox]:
    """Where all of them are; AWS knows us by what stands in the environment."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "planted-s3cret-of-aws")
    with receiving() as inbox:
        yield inbox


def told(api: Inbox, service: str, urls: list[str]) -> list[Told]:
    here = f"http://127.0.0.1:{api.port}"
    target = f"{TARGETS[service]}@{here}" if service == "nginx" else TARGETS[service]
    purge(PurgeTarget(service=service, target=target), urls, dict.fromkeys(BASES, here))
    return api.all()


def test_cloudflare_takes_a_hundred_urls_in_a_call(api: Inbox) -> None:
    many = [f"https://shop.example/{number}" for number in range(CLOUDFLARE_URLS)]
    first, second = told(api, "cloudflare", [*URLS, *many])
    for each in (first, second):
        assert (each.method, each.path) == ("POST", f"/zones/{ZONE}/purge_cache")
        assert each.headers["Authorization"] == f"Bearer {TOKEN}"
        assert each.headers["Content-Type"] == "application/json"
    files = [json.loads(each.body)["files"] for each in (first, second)]
    assert list(map(len, files)) == [CLOUDFLARE_URLS, len(URLS)]
    assert files[0] + files[1] == [*URLS, *many]


def test_fastly_takes_one_and_forgets_it_hard(api: Inbox) -> None:
    calls = told(api, "fastly", URLS)
    assert [each.path for each in calls] == [
        f"/purge/{each.removeprefix('https://')}" for each in URLS
    ]
    assert {(each.method, each.headers["Fastly-Key"], each.body) for each in calls} == {
        ("POST", TOKEN, b"")
    }
    assert not any("Fastly-Soft-Purge" in each.headers for each in calls)


def test_bunny_takes_one_or_all_of_a_picture(api: Inbox) -> None:
    calls = told(api, "bunny", URLS)
    assert [unquote(each.path.removeprefix("/purge?url=")) for each in calls] == [
        *(URLS[0], URLS[1], f"https://shop.example{PICTURE}/*", URLS[4])
    ]
    assert {(each.method, each.headers["AccessKey"]) for each in calls} == {("POST", TOKEN)}


def test_cloudfront_takes_paths_signed_as_aws_wants(api: Inbox) -> None:
    (call,) = told(api, "cloudfront", URLS)
    assert (call.method, call.path) == (
        "POST",
        "/2020-05-31/distribution/EDFDVBD6EXAMPLE/invalidation",
    )
    namespace = "{http://cloudfront.amazonaws.com/doc/2020-05-31/}"
    batch = ET.fromstring(call.body)  # noqa: S314 - our own
    assert [each.text for each in batch.iter(f"{namespace}Path")] == [
        *("/", "/products/x/zapato", f"{PICTURE}/*")
    ]
    assert batch.findtext(f"{namespace}Paths/{namespace}Quantity") == "3"
    assert batch.findtext(f"{namespace}CallerReference")
    authorization = call.headers["Authorization"]
    assert authorization.startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")
    assert "/us-east-1/cloudfront/aws4_request" in authorization
    assert "host" in authorization
    assert call.headers["X-Amz-Date"]
    many = [f"https://shop.example/{number}" for number in range(CLOUDFRONT_PATHS + 1)]
    assert len(told(api, "cloudfront", many)) == 2


def test_nginx_is_asked_for_each_anew(api: Inbox) -> None:
    api.statuses[:] = [200, 404, 308, 304]
    calls = told(api, "nginx", URLS)
    assert [f"https://{each.headers['Host']}{each.path}" for each in calls] == URLS
    assert {(each.method, each.headers["X-Avenue-Purge"]) for each in calls} == {("HEAD", TOKEN)}


@table("service", SERVICES)
@table("status", [301, 400, 401, 429, 500, 503])
def test_what_is_not_taken_is_told_again(api: Inbox, service: str, status: int) -> None:
    if service == "nginx" and status in {301, 400, 401}:
        return  # nginx answers with what Avenue has said
    api.statuses[:] = [status]
    with pytest.raises((NotDelivered, Refused)) as raised:
        told(api, service, URLS)
    if status in {429, 503}:  # the CDN is busy: other sites' messages wait, too
        assert isinstance(raised.value, NotDelivered)
        assert raised.value.facts["http_status"] == status
    else:
        assert isinstance(raised.value, Refused)
        assert (raised.value.reason, raised.value.is_final) == (f"http_{status}", False)
    assert TOKEN not in f"{raised.value!r} {vars(raised.value)}"
    assert len(api.all()) == 1


@table("service", sorted(SERVICES.keys() - {"nginx"}))
def test_a_cdn_of_one_domain_is_not_told_of_other_sites(api: Inbox, service: str) -> None:
    """Cloudflare refuses a call with the URL of another zone, and the whole message with it."""
    others = ["https://otra.example/a", "https://notshop.example/", "https://shop.example.otra.py/"]
    here = f"http://127.0.0.1:{api.port}"
    target = PurgeTarget(service=service, target=TARGETS[service], domain="shop.example")
    purge(target, others, dict.fromkeys(BASES, here))
    assert api.all() == []
    purge(target, [*others, *URLS], dict.fromkeys(BASES, here))
    calls = api.all()
    assert calls
    assert not any(b"otra" in each.body or "otra" in each.path for each in calls)
    assert not any(b"/a<" in each.body or "notshop" in each.path for each in calls)

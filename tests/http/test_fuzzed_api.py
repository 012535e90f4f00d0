"""What the description allows, and a good deal that it does not, sent to the whole application.

schemathesis makes the requests from the description: values at every bound, missing and wrong
ones, then random ones. No answer may be a 5xx, and each must be as described.
"""

import itertools
import zlib
from collections.abc import Callable

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis import Case, SerializationContext
from schemathesis.checks import CheckFunction
from schemathesis.config import SchemathesisConfig
from schemathesis.generation.feedback import FeedbackSources
from schemathesis.pytest._test_builder import build_operation_test
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import negative_data_rejection

from avenue.identity import Role
from avenue.web.openapi import FORM
from tests.http.application import HOST, PRODUCTS, Application, Caller, a_picture, described, unique
from tests.http.tus import PART_TYPE, TUS, begun
from tests.table import table

BASE_URL = f"https://{HOST}"
# To methods these paths do not have they are a product or upload of that name: 404, not 405.
ALSO_A_THING = {
    **{f"/api/builder/media/{each}": {"POST"} for each in ("move", "remove", "tag", "zip")},
    "/api/shop/products/import": {"GET", "POST"},
    "/api/uploads/sign": {"POST"},
    "/api/uploads/revoke": {"POST"},
    "/api/uploads/tickets": {"POST"},
    "/api/uploads/quota": {"GET"},
    "/api/uploads/zip": {"POST"},
    "/api/uploads/tus": {"POST"},
}
NO_SHOP = ("/api/auth/", "/api/openapi.json", "/api/site", "/healthz", "/readyz")
"""What names and tells nothing of a shop."""
GROUPS, TEMPORARY = "/api/shop/groups", "/api/shop/temp-images"
OF_PRODUCTS = ("product_id", "owner_id", "asset_id", "variant")
UPLOADS = "/api/uploads"
TICKETS = f"{UPLOADS}/tickets"
BY_TUS = [400, 401, 403, 406, 412, 415, 422]
"""How tus refuses a request: 412 for another version of it."""

config = SchemathesisConfig.from_dict(
    {
        # Who may call is the business of test_who_may.py: nobody's requests carry no made-up
        # tokens, and ours are never taken away.
        "generation": {
            "with-security-parameters": False,
            "deterministic": settings.default.derandomize,
        },
        "checks": {
            "ignored_auth": {"enabled": False},
            # Rules about several fields at once, or about what is stored, no schema can tell.
            "positive_data_acceptance": {"enabled": False},
        },
        "operations": [
            {
                "include-path-regex": f"^{TUS}(/|$)",
                "checks": {
                    # 413 is what a header says that is too large, 460 a wrong checksum.
                    "negative_data_rejection": {
                        "expected-statuses": [*BY_TUS, 404, 405, 409, 413, 460]
                    },
                    "missing_required_header": {"expected-statuses": BY_TUS},
                },
            }
        ],
    }
)
api_description = {**described().document, "servers": [{"url": BASE_URL}]}
operations = {
    f"{method.upper()} {path}": operation
    for path, methods in api_description["paths"].items()
    for method, operation in methods.items()
}
# One of each way to take values: a query, headers, JSON, files.
SOME = (
    ("nobody", "POST /api/auth/login"),
    ("admin", "GET /api/builder/media"),
    ("admin", "PATCH /api/uploads/tus/{upload_id}"),
    ("admin", "POST /api/shop/products"),
    ("admin", "POST /api/shop/products/{owner_id}/images"),
)


@schemathesis.serializer("application/zip", PART_TYPE)
def as_bytes(_: SerializationContext, value: object) -> bytes:
    """A body that is no JSON goes as the bytes it is."""
    return value if isinstance(value, bytes) else str(value).encode()


# `make test` sends a fifth of the values at the bounds, some 10 requests for each of `SOME`;
# `make test-long` all of them for every operation, and 300 that are drawn anew each time.
SENT_OF_BOUNDS = 5 if settings.default.derandomize else 1
bounded = settings(
    max_examples=300,
    phases=[Phase.explicit] if settings.default.derandomize else settings.default.phases,
    suppress_health_check=list(HealthCheck),
)


class Things:
    """What a caller has: values for the places in a path, so that requests get somewhere.

    Nobody has nothing; there it is a published product of a seller.
    """

    def __init__(self, application: Application, who: str, path: str) -> None:
        role = Role.ADMIN if who == "admin" else Role.SELLER
        owner = application.new_person(unique(who), role=role)
        self.caller = application.caller("nobody") if who == "nobody" else owner
        self.known: dict[str, list[str]] = {}
        if path.startswith(NO_SHOP) or "{" not in path:
            return
        if path.startswith(f"{GROUPS}/"):
            self._of_group(owner, path)
        elif path.startswith(f"{TEMPORARY}/"):
            self.known["asset_id"] = [owner.upload(TEMPORARY, a_picture()).json["id"]]
        elif any(f"{{{place}}}" in path for place in OF_PRODUCTS):
            self._of_product(owner)
        if "{import_id}" in path:
            table = {"data": f"sku,name\n{unique('IMP-')},Zapato\n", "content_type": "text/csv"}
            self.known["import_id"] = [owner.post(f"{PRODUCTS}/import", **table).json["id"]]
        elif path.startswith(f"{TICKETS}/"):
            self.known["ticket_id"] = [owner.post(TICKETS, json={}).json["id"]]
        elif path.startswith(f"{TUS}/"):
            self.known["upload_id"] = [begun(owner, 100)]
        elif path.startswith(f"{UPLOADS}/"):
            self.known["upload_id"] = [owner.upload(UPLOADS, a_picture()).json["id"]]

    def _of_group(self, owner: Caller, path: str) -> None:
        group = owner.post(GROUPS, json={"name": unique("M")}).json["id"]
        self.known |= {"group_id": [group], "owner_id": [group]}
        if "{asset_id}" in path:
            picture = owner.upload(f"{GROUPS}/{group}/images", a_picture()).json
            self.known["asset_id"] = [picture["id"]]

    def _of_product(self, owner: Caller) -> None:
        product = owner.a_product(a_picture(), a_picture(), status="published")
        image = product["images"][0]
        self.known |= {
            "product_id": [product["id"]],
            "owner_id": [product["id"]],
            "asset_id": [image["id"]],
            "token": [image["url"].split("/")[-2]],
            "file_name": ["original.jpg"],
            "variant": ["original"],
        }

    def put_into(self, case: Case) -> None:
        """Let three of four requests name something that is there."""
        for name, value in dict(case.path_parameters or {}).items():
            choices = [value, *self.known.get(name, ()) * 3]
            case.path_parameters[name] = choices[_number(value) % len(choices)]


def _number(value: object) -> int:
    return zlib.crc32(repr(value).encode("utf-8", "replace"))


Attack = Callable[[str, str], None]


@pytest.fixture(scope="module")
def api() -> BaseSchema:
    return schemathesis.openapi.from_dict(api_description, config=config)


@pytest.fixture(scope="module")
def attack(application: Application, api: BaseSchema) -> Attack:
    """Sends all requests for one operation as somebody, and looks at the answers.

    schemathesis thinks them up when it makes a test. Its own `parametrize` would do that in every
    process that collects these tests, and most of them run other ones.
    """
    things: dict[tuple[str, str], Things] = {}
    sites = list(application.raw["sites"].find())

    def send(case: Case, who: str) -> None:
        if case.method not in ALSO_A_THING.get(case.path, {case.method}):
            return
        key = (who, case.operation.label)
        if key not in things:
            things[key] = Things(application, who, case.path)
        things[key].put_into(case)
        caller = things[key].caller
        if caller.id and case.path == "/api/auth/logout":
            caller = application.with_scopes(caller, "read")  # this one will be ended
        headers = {"Authorization": f"Bearer {caller.token}"} if caller.token else {}
        answer = case.call(base_url=BASE_URL, app=application.app, headers=headers)
        if case.path.startswith("/api/site"):  # limits of the site would be felt by all others
            application.raw["sites"].delete_many({})
            application.raw["sites"].insert_many(sites)
        case.validate_response(answer, excluded_checks=_too_strict(case))
        if answer.status_code >= 400:
            codes = application.contract.codes(case.method, case.path, answer.status_code)
            assert answer.json()["code"] in codes, answer.text

    def attack(operation: str, who: str) -> None:
        method, path = operation.split(" ", 1)
        turns = itertools.count()

        def send_some(case: Case) -> None:
            if next(turns) % SENT_OF_BOUNDS == 0:
                send(case, who)

        build_operation_test(
            config=api.config,
            operation=api[path][method],
            test_func=bounded(send_some),
            given_kwargs={},
            feedback=FeedbackSources(),
        )()

    return attack


def _too_strict(case: Case) -> list[CheckFunction]:
    """Files are taken under any field name, and what else stands behind `?` is not looked at."""
    operation = case.operation.definition.raw
    asked = {each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"}
    is_lenient = (
        not case.path.startswith("/api/")
        or FORM in operation.get("requestBody", {}).get("content", {})
        or not asked.issuperset(case.query or ())
    )
    return [negative_data_rejection] if is_lenient else []


@table("who, operation", SOME)
def test_nothing_that_is_sent_to_some_makes_the_application_fail(
    who: str, operation: str, attack: Attack
):
    attack(operation, who)


@pytest.mark.long
@pytest.mark.parametrize("who", ["nobody", "seller", "admin"])
@pytest.mark.parametrize("operation", operations)
def test_nothing_that_is_sent_makes_the_application_fail(operation: str, who: str, attack: Attack):
    attack(operation, who)

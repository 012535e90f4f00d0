"""A forgotten password from the form to the mailbox, through the queue; and what is kept of it."""

import io
import logging
import re
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from avenue.accounts.models import User
from avenue.accounts.store import MongoAccountStore
from avenue.app.letters import MAIL
from avenue.app.services import letter_worker
from avenue.identity import Role
from avenue.jobs.runner import JobRunner
from avenue.jobs.service import JobService
from avenue.jobs.store import MongoJobStore
from avenue.storage.schema import DEFAULT_SITE
from avenue.web.requestlog import JsonLines
from tests.http.application import HOST, Application, unique
from tests.smtp import Mailbox, mail_server
from tests.threads import at_once

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
    """An application that sends letters, and the one who carries them."""

    def __init__(self, application: Application, box: Mailbox) -> None:
        settings = {"smtp_url": box.url, "mail_from": "Shop <shop@shop.example>"}
        self.raw = application.raw
        self.app = application.with_settings(**settings)
        database = application.database
        worker = letter_worker(self.app.extensions["avenue"][type(application.settings)], database)
        self.runner = JobRunner(JobService(MongoJobStore(database)), {MAIL: worker.send})
        self.raw["jobs"].delete_many({"kind": MAIL})

    def ask(self, email: str) -> None:
        client = FlaskClient(self.app)
        answer = client.post(
            "/login/forgotten", base_url=BASE, data={"email": email}, headers={"Origin": BASE}
        )
        assert answer.status_code == 200

    def job(self) -> dict:
        (job,) = self.raw["jobs"].find({"kind": MAIL})
        return job


@pytest.fixture
def post(application: Application, box: Mailbox) -> Post:
    return Post(application, box)


def test_neither_queue_nor_database_nor_log_learns_address_or_link(
    application: Application, post: Post, box: Mailbox, lines: io.StringIO
) -> None:
    person = application.new_person(unique("olvido"))
    email = application.raw["users"].find_one({"_id": person.id})["email"]
    post.ask(email)
    waiting = post.job()
    assert waiting["args"] == {"why": "forgotten", "user": person.id, "language": "es"}
    assert post.runner.run_one()
    recipients, letter = box.next_letter()
    assert recipients == [email]
    found = re.search(rf"{BASE}/login/reset/(\S+)", letter.get_content())
    assert found
    secret = found[1]
    client, form = FlaskClient(post.app), f"/login/reset/{secret}"
    assert client.get(form, base_url=BASE, buffered=True).status_code == 200
    typed = {"secret": secret, "new": NEWER, "again": NEWER}
    answer = client.post("/login/reset", base_url=BASE, data=typed, headers={"Origin": BASE})
    assert answer.status_code == 303
    assert client.get(f"/login/reset/{secret}", base_url=BASE).status_code == 410
    done = post.job()
    assert (done["state"], done["result"]) == ("done", {"sent": True})
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


def test_for_nobody_a_job_is_done_and_nothing_sent(post: Post, box: Mailbox) -> None:
    post.ask(f"{unique('nadie')}@shop.example")
    assert post.job()["args"]["user"] is None
    assert post.runner.run_one()
    assert post.job()["result"] == {"sent": False}
    assert box.commands == []


@pytest.mark.failing_jobs
def test_a_mail_server_that_is_away_is_asked_again_with_a_new_link(
    application: Application, post: Post, box: Mailbox, lines: io.StringIO
) -> None:
    person = application.new_person(unique("tarde"))
    email = application.raw["users"].find_one({"_id": person.id})["email"]
    box.replies["RCPT"] = f"450 {email} later"
    post.ask(email)
    assert post.runner.run_one()
    job = post.job()
    assert job["state"] == "queued"
    assert email not in str(job)
    assert email not in lines.getvalue()
    del box.replies["RCPT"]
    post.raw["jobs"].update_one({"_id": job["_id"]}, [{"$set": {"run_at": "$$NOW"}}])
    assert post.runner.run_one()
    box.next_letter()
    assert post.job()["result"] == {"sent": True}
    assert application.raw["password_links"].count_documents({"user": person.id}) == 1


def test_a_refused_letter_is_not_sent_again_and_again(
    application: Application, post: Post, box: Mailbox, lines: io.StringIO
) -> None:
    person = application.new_person(unique("fuera"))
    email = application.raw["users"].find_one({"_id": person.id})["email"]
    box.replies["RCPT"] = f"550 no {email} here"
    post.ask(email)
    assert post.runner.run_one()
    assert (post.job()["state"], post.job()["result"]) == ("done", {"sent": False})
    assert "was refused" in lines.getvalue()
    assert email not in lines.getvalue()


def test_asking_twice_at_once_is_one_letter(application: Application, post: Post) -> None:
    person = application.new_person(unique("dos"))
    email = application.raw["users"].find_one({"_id": person.id})["email"]
    post.ask(email)
    post.ask(email.upper())
    assert post.job()["args"]["user"] == person.id


def test_two_administrators_who_remove_each_other_leave_one(application: Application) -> None:
    store = MongoAccountStore(application.database)
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
    user = application.accounts.add_user(email, NEWER, name="Ra.mo", roles={"z": Role.OPS}).user
    assert store.give_role(user.id, DEFAULT_SITE, Role.SELLER)
    assert not store.give_role(user.id, DEFAULT_SITE, Role.ADMIN)
    found = store.people_of(DEFAULT_SITE, search=email[:6].upper(), after=None, limit=5)
    assert [each.roles for each in found] == [{"z": Role.OPS, DEFAULT_SITE: Role.SELLER}]
    assert found[0].changed_at >= user.changed_at
    assert store.people_of(DEFAULT_SITE, search="ra.mo", after=email, limit=5) == []
    assert store.people_of(DEFAULT_SITE, search="ra.m.", after=None, limit=5) == []
    assert store.people_of(DEFAULT_SITE, search="\0", after=None, limit=5) == []
    assert store.set_password(user.id, "hash 1", under=user.token_epoch)
    assert store.set_password(user.id, "hash 1", under=user.token_epoch)  # its answer was lost
    assert not store.set_password(user.id, "hash 2", under=user.token_epoch)
    application.raw["users"].update_one({"_id": user.id}, {"$unset": {"changed_at": ""}})
    old = store.user_by_id(user.id)
    assert old is not None
    assert old.changed_at == old.created_at

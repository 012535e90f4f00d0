"""What an administrator of a site may do to whom: every rule, and who is under it."""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from avenue.accounts.account_emails import MailOrder, Why
from avenue.accounts.errors import (
    AlreadyHere,
    InvalidEmail,
    LastAdministrator,
    ManagedElsewhere,
    NotYourself,
    PasswordNotOwn,
    PersonNotFound,
)
from avenue.accounts.models import User
from avenue.accounts.people import PeopleService
from avenue.accounts.recovery import NoMail, RecoveryService
from avenue.errors import AvenueError, Forbidden
from avenue.identity import Actor, Role, Scope, Site
from tests.unit.accounts.memory import (
    Clock,
    MemoryStore,
    MinuteCounter,
    PlainPasswords,
    accounts_of,
    callers_of,
)

HERE = Site(id="default", hosts=(), base_url="https://shop.test", name="Zapatos")
PASSWORD = "correct horse battery"


class Deployment:
    """A site with an administrator who acts, and one of each kind of others."""

    def __init__(self, *, can_mail: bool = True) -> None:
        self.store, passwords = MemoryStore(), PlainPasswords()
        tries, clock = MinuteCounter(), Clock()
        self.accounts = accounts_of(self.store, passwords, tries, clock)
        self.callers = callers_of(self.store, clock)
        self.emails: list[MailOrder] = []
        outbox = self if can_mail else None
        self.recovery = recovery = RecoveryService(
            self.store,
            self.store,
            passwords,
            tries,
            outbox,
            deployment_url=HERE.base_url,
            tries_per_minute=10,
            now=clock,
        )
        self.people = PeopleService(
            self.store, self.store, self.store, passwords, recovery, now=clock
        )
        self.who = {
            "oneself": self._add("ana", {HERE.id: Role.ADMIN}),
            "a seller": self._add("bea", {HERE.id: Role.SELLER}),
            "another administrator": self._add("cyd", {HERE.id: Role.ADMIN}),
            "somebody of two sites": self._add("dan", {HERE.id: Role.ADMIN, "other": Role.OPS}),
            "a superuser": self._add("eva", {HERE.id: Role.ADMIN}, superuser=True),
            "somebody of another site": self._add("fay", {"other": Role.SELLER}),
        }
        self.admin = self.actor("oneself")
        self.superuser = self.actor("a superuser")

    def put(self, site_id: str, order: MailOrder, *, key: str) -> None:
        assert site_id == HERE.id
        self.emails.append(order)

    def _add(self, name: str, roles: dict[str, Role], *, superuser: bool = False) -> str:
        email = f"{name}@shop.test"
        new = self.accounts.add_user(email, PASSWORD, name=name, roles=roles, superuser=superuser)
        return new.user.id

    def user(self, who: str) -> User:
        return self.store.people[self.who[who]]

    def actor(self, who: str) -> Actor:
        user = self.user(who)
        return Actor(
            site=HERE,
            id=user.id,
            email=user.email,
            role=user.role_on(HERE.id),
            superuser=user.superuser,
        )

    def leave_only(self, *who: str) -> None:
        """Make everybody else a seller."""
        for user_id in {*self.who.values()} - {self.who[each] for each in who}:
            user = self.store.people[user_id]
            roles = dict.fromkeys(user.roles, Role.SELLER)
            self.store.people[user_id] = replace(user, roles=roles)


@pytest.fixture
def deployment() -> Deployment:
    return Deployment()


Deed = Callable[[Deployment, Actor, str], object]
CHANGE_ROLE: Deed = lambda of, actor, who: of.people.change_role(actor, who, Role.OPS)  # noqa: E731
TAKE_AWAY: Deed = lambda of, actor, who: of.people.take_role_away(actor, who)  # noqa: E731
SHUT_OUT: Deed = lambda of, actor, who: of.people.shut_out(actor, who)  # noqa: E731
LET_IN: Deed = lambda deployment, actor, who: deployment.people.let_in(actor, who)  # noqa: E731
PASSWORD_MADE: Deed = lambda deployment, actor, who: deployment.people.make_password(actor, who)  # noqa: E731
LINK_SENT: Deed = lambda deployment, actor, who: deployment.people.send_link(actor, who)  # noqa: E731
DEEDS = {
    "change role": CHANGE_ROLE,
    "take role away": TAKE_AWAY,
    "shut out": SHUT_OUT,
    "let in": LET_IN,
    "make password": PASSWORD_MADE,
    "send link": LINK_SENT,
}
ROLE = ["change role", "take role away"]
ACCESS = ["shut out", "let in", "make password", "send link"]

REFUSALS: list[tuple[str, str, list[str], type[AvenueError] | None]] = [
    # who acts, on whom, what, what they are told (None: it is done)
    ("oneself", "a seller", [*ROLE, *ACCESS], None),
    ("oneself", "another administrator", [*ROLE, *ACCESS], None),
    ("oneself", "oneself", ROLE, None),  # there are other administrators
    ("oneself", "oneself", ACCESS, NotYourself),
    ("oneself", "somebody of two sites", ROLE, None),
    ("oneself", "somebody of two sites", ACCESS, ManagedElsewhere),
    ("oneself", "a superuser", [*ROLE, *ACCESS], ManagedElsewhere),
    ("oneself", "somebody of another site", [*ROLE, *ACCESS], PersonNotFound),
    ("a superuser", "a seller", [*ROLE, *ACCESS], None),
    ("a superuser", "somebody of two sites", [*ROLE, *ACCESS], None),
    ("a superuser", "oneself", [*ROLE, *ACCESS], None),
    ("a superuser", "a superuser", ACCESS, NotYourself),
    ("a superuser", "a superuser", ROLE, None),
    ("a superuser", "somebody of another site", [*ROLE, *ACCESS], PersonNotFound),
    ("a seller", "another administrator", [*ROLE, *ACCESS], Forbidden),
    ("a seller", "a seller", [*ROLE, *ACCESS], Forbidden),
]


@pytest.mark.parametrize(
    ("actor", "whom", "what", "refusal"),
    [(actor, whom, each, refusal) for actor, whom, deeds, refusal in REFUSALS for each in deeds],
)
def test_who_may_do_what_to_whom(
    deployment: Deployment, actor: str, whom: str, what: str, refusal: type[AvenueError] | None
) -> None:
    before = dict(deployment.store.people)
    if refusal is None:
        DEEDS[what](deployment, deployment.actor(actor), deployment.who[whom])
        assert deployment.store.people != before or deployment.emails
    else:
        with pytest.raises(refusal):
            DEEDS[what](deployment, deployment.actor(actor), deployment.who[whom])
        assert deployment.store.people == before
        assert deployment.emails == []


@pytest.mark.parametrize("what", [*ROLE, "shut out"])
def test_the_last_administrator_stays(deployment: Deployment, what: str) -> None:
    deployment.leave_only("another administrator")
    for actor in (deployment.admin, deployment.superuser):  # whose role here is none that counts
        with pytest.raises(LastAdministrator):
            DEEDS[what](deployment, actor, deployment.who["another administrator"])
    assert deployment.user("another administrator").roles[HERE.id] is Role.ADMIN
    assert not deployment.user("another administrator").disabled


@pytest.mark.parametrize("what", ROLE)
def test_who_cannot_sign_in_is_no_administrator_who_stays(
    deployment: Deployment, what: str
) -> None:
    deployment.leave_only("oneself", "another administrator")
    deployment.store.set_disabled(deployment.who["another administrator"], disabled=True)
    with pytest.raises(LastAdministrator):
        DEEDS[what](deployment, deployment.admin, deployment.admin.id or "")
    DEEDS[what](deployment, deployment.admin, deployment.who["another administrator"])


def test_an_administrator_of_another_site_does_not_count(deployment: Deployment) -> None:
    deployment.leave_only("oneself")
    deployment.store.people[deployment.who["somebody of another site"]] = replace(
        deployment.user("somebody of another site"), roles={"other": Role.ADMIN}
    )
    with pytest.raises(LastAdministrator):
        deployment.people.take_role_away(deployment.admin, deployment.admin.id or "")


@pytest.mark.parametrize("what", ["shut out", "make password"])
def test_sessions_and_tokens_end(deployment: Deployment, what: str) -> None:
    bea = deployment.user("a seller")
    token = deployment.accounts.add_token(
        bea.email, HERE.id, name="app", scopes=frozenset(Scope), days=1
    )
    session = deployment.accounts.begin_session(bea, HERE)
    DEEDS[what](deployment, deployment.admin, bea.id)
    assert deployment.callers.by_token(HERE, token.secret) is None
    assert deployment.callers.by_session(HERE, bea.id, session) is None
    assert deployment.store.kept_tokens == {}


def test_a_token_does_not_come_back_with_the_role(deployment: Deployment) -> None:
    dan = deployment.user("somebody of two sites")
    here, there = (
        deployment.accounts.add_token(
            dan.email, site, name="", scopes=frozenset(Scope), days=1
        ).token
        for site in dan.roles
    )
    deployment.people.take_role_away(deployment.admin, dan.id)
    assert here.id not in deployment.store.kept_tokens
    assert there.id in deployment.store.kept_tokens


def test_a_made_password_is_good_and_nobody_else_learns_it(deployment: Deployment) -> None:
    bea = deployment.user("a seller")
    made = deployment.people.make_password(deployment.admin, bea.id)
    assert made not in str(deployment.emails)
    user, _ = deployment.accounts.sign_in(HERE, bea.email, made, address="203.0.113.7")
    assert user.id == bea.id


def test_a_link_leaves_the_old_password_good(deployment: Deployment) -> None:
    bea = deployment.user("a seller")
    deployment.people.send_link(deployment.admin, bea.id)
    assert deployment.emails == [MailOrder(why=Why.RESET, user=bea.id, language="es")]
    assert deployment.user("a seller") == bea


def test_somebody_new_gets_a_made_password_or_an_email(deployment: Deployment) -> None:
    made = deployment.people.add(
        deployment.admin, " Gil@Shop.test ", name="Gil", role=Role.SELLER, by_mail=False
    )
    assert made.made_password
    deployment.accounts.sign_in(HERE, "gil@shop.test", made.made_password, address="203.0.113.7")
    invited = deployment.people.add(
        deployment.admin, "hal@shop.test", name="", role=Role.OPS, by_mail=True
    )
    assert invited.made_password is None
    assert deployment.emails == [MailOrder(why=Why.INVITED, user=invited.user.id, language="es")]
    assert invited.user.roles == {HERE.id: Role.OPS}


def test_somebody_of_another_site_keeps_everything_and_gets_a_role(deployment: Deployment) -> None:
    fay = deployment.user("somebody of another site")
    added = deployment.people.add(
        deployment.admin, fay.email, name="Mía", role=Role.ADMIN, by_mail=False
    )
    assert added.made_password is None
    now = deployment.user("somebody of another site")
    assert now == replace(fay, roles={"other": Role.SELLER, HERE.id: Role.ADMIN})
    seen = deployment.people.get(deployment.admin, fay.id)
    assert (seen.name, seen.managed_elsewhere, seen.role_is_fixed) == ("", True, False)
    with pytest.raises(ManagedElsewhere):
        deployment.people.make_password(deployment.admin, fay.id)


def is_own(deployment: Deployment, email: str) -> bool:
    user = deployment.store.user_by_email(email)
    assert user is not None
    return user.password_is_own


def test_whose_a_password_is(deployment: Deployment) -> None:
    """Only a link makes it one's own, and a command."""
    email, address = "gil@shop.test", "203.0.113.7"
    made = deployment.people.add(deployment.admin, email, name="", role=Role.ADMIN, by_mail=False)
    assert not is_own(deployment, email)
    user, actor = deployment.accounts.sign_in(
        HERE, email, made.made_password or "", address=address
    )
    deployment.accounts.change_own_password(
        actor, made.made_password or "", PASSWORD, address=address
    )
    assert not is_own(deployment, email)
    set_by_link(deployment, user.id)
    assert is_own(deployment, email)
    deployment.accounts.change_own_password(actor, "of the link", PASSWORD, address=address)
    assert is_own(deployment, email)
    deployment.people.make_password(deployment.admin, user.id)
    assert not is_own(deployment, email)
    deployment.accounts.change_password(email, None)
    assert is_own(deployment, email)
    invited = deployment.people.add(
        deployment.admin, "hal@shop.test", name="", role=Role.OPS, by_mail=True
    )
    assert not is_own(deployment, "hal@shop.test")
    set_by_link(deployment, invited.user.id)
    assert is_own(deployment, "hal@shop.test")


def set_by_link(deployment: Deployment, user_id: str) -> None:
    order = MailOrder(why=Why.RESET, user=user_id, language="es")
    email = deployment.recovery.email(HERE, order, order_id="job")
    assert email is not None
    secret = re.search(r"/login/reset/(\S+)", email.text)
    assert secret
    deployment.recovery.set_password(HERE, secret[1], "of the link")


FAY = "fay@shop.test"
VOIDED, KEPT = "a password nobody knows", "the password as it was"
ADDED: list[tuple[bool, dict[str, Role], bool, bool, str]] = [
    # their own, roles, by mail, emails can be sent, what becomes of the password
    (False, {"other": Role.OPS}, True, True, VOIDED),
    (False, {"other": Role.OPS}, False, True, VOIDED),
    (False, {}, True, True, VOIDED),
    (False, {}, False, True, "shown"),  # it opens nothing else
    (False, {}, False, False, "shown"),
    (False, {"other": Role.OPS}, False, False, "refused"),
    (True, {"other": Role.OPS}, True, True, KEPT),
    (True, {"other": Role.OPS}, False, False, KEPT),
    (True, {}, False, True, KEPT),
]


@pytest.mark.parametrize(("own", "roles", "by_mail", "can_mail", "becomes"), ADDED)
def test_what_becomes_of_a_password_when_another_site_adds_them(
    own: bool, roles: dict[str, Role], by_mail: bool, can_mail: bool, becomes: str
) -> None:
    deployment = Deployment(can_mail=can_mail)
    fay = replace(deployment.user("somebody of another site"), password_is_own=own, roles=roles)
    deployment.store.people[fay.id] = fay
    for site in ("other", HERE.id):
        deployment.accounts.add_token(FAY, site, name="app", scopes=frozenset(Scope), days=1)
    if becomes == "refused":
        with pytest.raises(PasswordNotOwn):
            deployment.people.add(deployment.admin, FAY, name="", role=Role.ADMIN, by_mail=by_mail)
        assert deployment.store.people[fay.id] == fay
        assert len(deployment.store.kept_tokens) == 2
        return
    added = deployment.people.add(deployment.admin, FAY, name="", role=Role.ADMIN, by_mail=by_mail)
    now = deployment.store.people[fay.id]
    assert now.roles == {**roles, HERE.id: Role.ADMIN}
    assert (added.made_password is not None) == (becomes == "shown")
    whys = {VOIDED: [Why.VOIDED], KEPT: [Why.ADDED] if by_mail else [], "shown": []}
    assert [order.why for order in deployment.emails] == whys[becomes]
    if becomes == KEPT:
        assert now == replace(fay, roles=now.roles)
        assert len(deployment.store.kept_tokens) == 2
    else:
        assert not now.password_is_own
        assert now.password_hash != fay.password_hash
        epochs = (fay.session_epoch + 1, fay.token_epoch + 1)
        assert (now.session_epoch, now.token_epoch) == epochs
        assert deployment.store.kept_tokens == {}


def test_a_superuser_keeps_the_password_on_every_site(deployment: Deployment) -> None:
    eva = replace(deployment.user("a superuser"), roles={"other": Role.OPS}, password_is_own=False)
    deployment.store.people[eva.id] = eva
    deployment.people.add(deployment.superuser, eva.email, name="", role=Role.OPS, by_mail=False)
    assert deployment.store.people[eva.id].password_hash == eva.password_hash


def test_a_password_is_not_made_for_who_is_added_elsewhere_meanwhile(
    deployment: Deployment,
) -> None:
    bea = deployment.user("a seller")
    give = deployment.store.give_role
    meanwhile(
        deployment, "user_by_id", lambda: give(bea.id, "other", Role.ADMIN, under=bea.token_epoch)
    )
    with pytest.raises(ManagedElsewhere):
        deployment.people.make_password(deployment.admin, bea.id)
    assert deployment.user("a seller").password_hash == bea.password_hash


def test_a_password_that_is_seen_while_they_are_added_is_voided(deployment: Deployment) -> None:
    fay = deployment.user("somebody of another site")
    put = deployment.store.set_password
    meanwhile(deployment, "user_by_email", lambda: put(fay.id, "hash of seen", is_own=False))
    deployment.people.add(deployment.admin, fay.email, name="", role=Role.OPS, by_mail=False)
    now = deployment.user("somebody of another site")
    assert HERE.id in now.roles
    assert now.password_hash != "hash of seen"


def meanwhile(deployment: Deployment, look: str, deed: Callable[[], object]) -> None:
    """Have somebody else do `deed` right behind the next `look` at a person."""
    looked = getattr(deployment.store, look)

    def look_and_do(key: str) -> User | None:
        found: User | None = looked(key)
        setattr(deployment.store, look, looked)
        deed()
        return found

    setattr(deployment.store, look, look_and_do)


def test_what_is_said_of_an_invitation_does_not_tell_who_was_known(deployment: Deployment) -> None:
    fay = deployment.user("somebody of another site")
    known = deployment.people.add(deployment.admin, fay.email, name="", role=Role.OPS, by_mail=True)
    new = deployment.people.add(
        deployment.admin, "new@shop.test", name="", role=Role.OPS, by_mail=True
    )
    assert (known.made_password, known.by_mail) == (new.made_password, new.by_mail)
    assert [order.why for order in deployment.emails] == [Why.ADDED, Why.INVITED]


@pytest.mark.parametrize("whom", ["oneself", "a seller", "somebody of two sites", "a superuser"])
def test_nobody_is_added_twice(deployment: Deployment, whom: str) -> None:
    before = dict(deployment.store.people)
    with pytest.raises(AlreadyHere):
        deployment.people.add(
            deployment.admin, deployment.user(whom).email, name="", role=Role.SELLER, by_mail=False
        )
    assert deployment.store.people == before


def test_a_superuser_without_a_role_here_is_not_for_administrators(deployment: Deployment) -> None:
    eva = deployment.who["a superuser"]
    deployment.store.people[eva] = replace(deployment.store.people[eva], roles={})
    email = deployment.store.people[eva].email
    with pytest.raises(AlreadyHere):
        deployment.people.add(deployment.admin, email, name="", role=Role.CLIENT, by_mail=False)
    assert deployment.store.people[eva].roles == {}
    deployment.people.add(deployment.superuser, email, name="", role=Role.ADMIN, by_mail=False)
    assert deployment.store.people[eva].roles == {HERE.id: Role.ADMIN}


@pytest.mark.parametrize(
    ("who", "by_mail", "email", "refusal"),
    [
        ("oneself", False, "nobody", InvalidEmail),
        ("a seller", False, "new@shop.test", Forbidden),
        ("somebody of another site", False, "new@shop.test", Forbidden),
        ("oneself", True, "new@shop.test", NoMail),
    ],
)
def test_who_cannot_be_added(
    who: str, by_mail: bool, email: str, refusal: type[AvenueError]
) -> None:
    deployment = Deployment(can_mail=False)
    before = dict(deployment.store.people)
    with pytest.raises(refusal):
        deployment.people.add(
            deployment.actor(who), email, name="", role=Role.SELLER, by_mail=by_mail
        )
    assert deployment.store.people == before


def test_a_site_shows_its_own_people_in_pages(deployment: Deployment) -> None:
    seen, after = [], None
    while True:
        page = deployment.people.find(deployment.admin, search="", limit=2, after=after)
        assert page.total == 5
        seen += page.items
        after = page.next
        if after is None:
            break
    emails = [f"{name}@shop.test" for name in ("ana", "bea", "cyd", "dan", "eva")]
    assert [each.email for each in seen] == emails
    assert [each.name for each in seen] == ["ana", "bea", "cyd", "", ""]
    assert [each.is_oneself for each in seen] == [True, False, False, False, False]


def test_a_superuser_sees_every_name(deployment: Deployment) -> None:
    page = deployment.people.find(deployment.superuser, search="", limit=9, after=None)
    assert [each.name for each in page.items] == ["ana", "bea", "cyd", "dan", "eva"]


@pytest.mark.parametrize("whom", ["somebody of another site", None])
def test_who_is_not_of_this_site_is_not_there(deployment: Deployment, whom: str | None) -> None:
    user_id = deployment.who[whom] if whom else "x" * 22
    with pytest.raises(PersonNotFound):
        deployment.people.get(deployment.superuser, user_id)
    with pytest.raises(PersonNotFound):
        deployment.people.find(deployment.admin, search="", limit=9, after=user_id)
    for seller in [deployment.actor("a seller")]:
        with pytest.raises(Forbidden):
            deployment.people.find(seller, search="", limit=9, after=None)

"""What an administrator of a site may do to whom: every rule, and who is under it."""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from avenue.accounts.errors import (
    AlreadyHere,
    InvalidEmail,
    LastAdministrator,
    ManagedElsewhere,
    NotYourself,
    PasswordNotOwn,
    PersonNotFound,
)
from avenue.accounts.letters import MailOrder, Why
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
)

HERE = Site(id="default", hosts=(), base_url="https://shop.test", name="Zapatos")
PASSWORD = "correct horse battery"


class House:
    """A site with an administrator who acts, and one of each kind of others."""

    def __init__(self, *, can_mail: bool = True) -> None:
        self.store, passwords = MemoryStore(), PlainPasswords()
        tries, clock = MinuteCounter(), Clock()
        self.accounts = accounts_of(self.store, passwords, tries, clock)
        self.letters: list[MailOrder] = []
        outbox = self if can_mail else None
        self.recovery = recovery = RecoveryService(
            self.store,
            passwords,
            tries,
            outbox,
            house_url=HERE.base_url,
            tries_per_minute=10,
            now=clock,
        )
        self.people = PeopleService(self.store, passwords, recovery, now=clock)
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
        self.letters.append(order)

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
def house() -> House:
    return House()


Deed = Callable[[House, Actor, str], object]
CHANGE_ROLE: Deed = lambda house, actor, who: house.people.change_role(actor, who, Role.OPS)  # noqa: E731
TAKE_AWAY: Deed = lambda house, actor, who: house.people.take_role_away(actor, who)  # noqa: E731
SHUT_OUT: Deed = lambda house, actor, who: house.people.shut_out(actor, who)  # noqa: E731
LET_IN: Deed = lambda house, actor, who: house.people.let_in(actor, who)  # noqa: E731
PASSWORD_MADE: Deed = lambda house, actor, who: house.people.make_password(actor, who)  # noqa: E731
LINK_SENT: Deed = lambda house, actor, who: house.people.send_link(actor, who)  # noqa: E731
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
    house: House, actor: str, whom: str, what: str, refusal: type[AvenueError] | None
) -> None:
    before = dict(house.store.people)
    if refusal is None:
        DEEDS[what](house, house.actor(actor), house.who[whom])
        assert house.store.people != before or house.letters
    else:
        with pytest.raises(refusal):
            DEEDS[what](house, house.actor(actor), house.who[whom])
        assert house.store.people == before
        assert house.letters == []


@pytest.mark.parametrize("what", [*ROLE, "shut out"])
def test_the_last_administrator_stays(house: House, what: str) -> None:
    house.leave_only("another administrator")
    for actor in (house.admin, house.superuser):  # whose role here is none that counts
        with pytest.raises(LastAdministrator):
            DEEDS[what](house, actor, house.who["another administrator"])
    assert house.user("another administrator").roles[HERE.id] is Role.ADMIN
    assert not house.user("another administrator").disabled


@pytest.mark.parametrize("what", ROLE)
def test_who_cannot_sign_in_is_no_administrator_who_stays(house: House, what: str) -> None:
    house.leave_only("oneself", "another administrator")
    house.store.set_disabled(house.who["another administrator"], disabled=True)
    with pytest.raises(LastAdministrator):
        DEEDS[what](house, house.admin, house.admin.id or "")
    DEEDS[what](house, house.admin, house.who["another administrator"])


def test_an_administrator_of_another_site_does_not_count(house: House) -> None:
    house.leave_only("oneself")
    house.store.people[house.who["somebody of another site"]] = replace(
        house.user("somebody of another site"), roles={"other": Role.ADMIN}
    )
    with pytest.raises(LastAdministrator):
        house.people.take_role_away(house.admin, house.admin.id or "")


@pytest.mark.parametrize("what", ["shut out", "make password"])
def test_sessions_and_tokens_end(house: House, what: str) -> None:
    bea = house.user("a seller")
    token = house.accounts.add_token(
        bea.email, HERE.id, name="app", scopes=frozenset(Scope), days=1
    )
    session = house.accounts.begin_session(bea, HERE)
    DEEDS[what](house, house.admin, bea.id)
    assert house.accounts.by_token(HERE, token.secret) is None
    assert house.accounts.by_session(HERE, bea.id, session) is None
    assert house.store.kept_tokens == {}


def test_a_token_does_not_come_back_with_the_role(house: House) -> None:
    dan = house.user("somebody of two sites")
    here, there = (
        house.accounts.add_token(dan.email, site, name="", scopes=frozenset(Scope), days=1).token
        for site in dan.roles
    )
    house.people.take_role_away(house.admin, dan.id)
    assert here.id not in house.store.kept_tokens
    assert there.id in house.store.kept_tokens


def test_a_made_password_is_good_and_nobody_else_learns_it(house: House) -> None:
    bea = house.user("a seller")
    made = house.people.make_password(house.admin, bea.id)
    assert made not in str(house.letters)
    user, _ = house.accounts.sign_in(HERE, bea.email, made, address="203.0.113.7")
    assert user.id == bea.id


def test_a_link_leaves_the_old_password_good(house: House) -> None:
    bea = house.user("a seller")
    house.people.send_link(house.admin, bea.id)
    assert house.letters == [MailOrder(why=Why.RESET, user=bea.id, language="es")]
    assert house.user("a seller") == bea


def test_somebody_new_gets_a_made_password_or_a_letter(house: House) -> None:
    made = house.people.add(
        house.admin, " Gil@Shop.test ", name="Gil", role=Role.SELLER, by_mail=False
    )
    assert made.made_password
    house.accounts.sign_in(HERE, "gil@shop.test", made.made_password, address="203.0.113.7")
    invited = house.people.add(house.admin, "hal@shop.test", name="", role=Role.OPS, by_mail=True)
    assert invited.made_password is None
    assert house.letters == [MailOrder(why=Why.INVITED, user=invited.user.id, language="es")]
    assert invited.user.roles == {HERE.id: Role.OPS}


def test_somebody_of_another_site_keeps_everything_and_gets_a_role(house: House) -> None:
    fay = house.user("somebody of another site")
    added = house.people.add(house.admin, fay.email, name="Mía", role=Role.ADMIN, by_mail=False)
    assert added.made_password is None
    now = house.user("somebody of another site")
    assert now == replace(fay, roles={"other": Role.SELLER, HERE.id: Role.ADMIN})
    seen = house.people.get(house.admin, fay.id)
    assert (seen.name, seen.managed_elsewhere, seen.role_is_fixed) == ("", True, False)
    with pytest.raises(ManagedElsewhere):
        house.people.make_password(house.admin, fay.id)


def is_own(house: House, email: str) -> bool:
    user = house.store.user_by_email(email)
    assert user is not None
    return user.password_is_own


def test_whose_a_password_is(house: House) -> None:
    """Only a link makes it one's own, and a command."""
    email, address = "gil@shop.test", "203.0.113.7"
    made = house.people.add(house.admin, email, name="", role=Role.ADMIN, by_mail=False)
    assert not is_own(house, email)
    user, actor = house.accounts.sign_in(HERE, email, made.made_password or "", address=address)
    house.accounts.change_own_password(actor, made.made_password or "", PASSWORD, address=address)
    assert not is_own(house, email)
    set_by_link(house, user.id)
    assert is_own(house, email)
    house.accounts.change_own_password(actor, "of the link", PASSWORD, address=address)
    assert is_own(house, email)
    house.people.make_password(house.admin, user.id)
    assert not is_own(house, email)
    house.accounts.change_password(email, None)
    assert is_own(house, email)
    invited = house.people.add(house.admin, "hal@shop.test", name="", role=Role.OPS, by_mail=True)
    assert not is_own(house, "hal@shop.test")
    set_by_link(house, invited.user.id)
    assert is_own(house, "hal@shop.test")


def set_by_link(house: House, user_id: str) -> None:
    order = MailOrder(why=Why.RESET, user=user_id, language="es")
    letter = house.recovery.letter(HERE, order, order_id="job")
    assert letter is not None
    secret = re.search(r"/login/reset/(\S+)", letter.text)
    assert secret
    house.recovery.set_password(HERE, secret[1], "of the link")


FAY = "fay@shop.test"
VOIDED, KEPT = "a password nobody knows", "the password as it was"
ADDED: list[tuple[bool, dict[str, Role], bool, bool, str]] = [
    # their own, roles, by mail, letters can be sent, what becomes of the password
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
    house = House(can_mail=can_mail)
    fay = replace(house.user("somebody of another site"), password_is_own=own, roles=roles)
    house.store.people[fay.id] = fay
    for site in ("other", HERE.id):
        house.accounts.add_token(FAY, site, name="app", scopes=frozenset(Scope), days=1)
    if becomes == "refused":
        with pytest.raises(PasswordNotOwn):
            house.people.add(house.admin, FAY, name="", role=Role.ADMIN, by_mail=by_mail)
        assert house.store.people[fay.id] == fay
        assert len(house.store.kept_tokens) == 2
        return
    added = house.people.add(house.admin, FAY, name="", role=Role.ADMIN, by_mail=by_mail)
    now = house.store.people[fay.id]
    assert now.roles == {**roles, HERE.id: Role.ADMIN}
    assert (added.made_password is not None) == (becomes == "shown")
    whys = {VOIDED: [Why.VOIDED], KEPT: [Why.ADDED] if by_mail else [], "shown": []}
    assert [order.why for order in house.letters] == whys[becomes]
    if becomes == KEPT:
        assert now == replace(fay, roles=now.roles)
        assert len(house.store.kept_tokens) == 2
    else:
        assert not now.password_is_own
        assert now.password_hash != fay.password_hash
        epochs = (fay.session_epoch + 1, fay.token_epoch + 1)
        assert (now.session_epoch, now.token_epoch) == epochs
        assert house.store.kept_tokens == {}


def test_a_superuser_keeps_the_password_on_every_site(house: House) -> None:
    eva = replace(house.user("a superuser"), roles={"other": Role.OPS}, password_is_own=False)
    house.store.people[eva.id] = eva
    house.people.add(house.superuser, eva.email, name="", role=Role.OPS, by_mail=False)
    assert house.store.people[eva.id].password_hash == eva.password_hash


def test_a_password_is_not_made_for_who_is_added_elsewhere_meanwhile(house: House) -> None:
    bea = house.user("a seller")
    give = house.store.give_role
    meanwhile(house, "user_by_id", lambda: give(bea.id, "other", Role.ADMIN, under=bea.token_epoch))
    with pytest.raises(ManagedElsewhere):
        house.people.make_password(house.admin, bea.id)
    assert house.user("a seller").password_hash == bea.password_hash


def test_a_password_that_is_seen_while_they_are_added_is_voided(house: House) -> None:
    fay = house.user("somebody of another site")
    put = house.store.set_password
    meanwhile(house, "user_by_email", lambda: put(fay.id, "hash of seen", is_own=False))
    house.people.add(house.admin, fay.email, name="", role=Role.OPS, by_mail=False)
    now = house.user("somebody of another site")
    assert HERE.id in now.roles
    assert now.password_hash != "hash of seen"


def meanwhile(house: House, look: str, deed: Callable[[], object]) -> None:
    """Have somebody else do `deed` right behind the next `look` at a person."""
    looked = getattr(house.store, look)

    def look_and_do(key: str) -> User | None:
        found: User | None = looked(key)
        setattr(house.store, look, looked)
        deed()
        return found

    setattr(house.store, look, look_and_do)


def test_what_is_said_of_an_invitation_does_not_tell_who_was_known(house: House) -> None:
    fay = house.user("somebody of another site")
    known = house.people.add(house.admin, fay.email, name="", role=Role.OPS, by_mail=True)
    new = house.people.add(house.admin, "new@shop.test", name="", role=Role.OPS, by_mail=True)
    assert (known.made_password, known.by_mail) == (new.made_password, new.by_mail)
    assert [order.why for order in house.letters] == [Why.ADDED, Why.INVITED]


@pytest.mark.parametrize("whom", ["oneself", "a seller", "somebody of two sites", "a superuser"])
def test_nobody_is_added_twice(house: House, whom: str) -> None:
    before = dict(house.store.people)
    with pytest.raises(AlreadyHere):
        house.people.add(
            house.admin, house.user(whom).email, name="", role=Role.SELLER, by_mail=False
        )
    assert house.store.people == before


def test_a_superuser_without_a_role_here_is_not_for_administrators(house: House) -> None:
    eva = house.who["a superuser"]
    house.store.people[eva] = replace(house.store.people[eva], roles={})
    email = house.store.people[eva].email
    with pytest.raises(AlreadyHere):
        house.people.add(house.admin, email, name="", role=Role.CLIENT, by_mail=False)
    assert house.store.people[eva].roles == {}
    house.people.add(house.superuser, email, name="", role=Role.ADMIN, by_mail=False)
    assert house.store.people[eva].roles == {HERE.id: Role.ADMIN}


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
    house = House(can_mail=False)
    before = dict(house.store.people)
    with pytest.raises(refusal):
        house.people.add(house.actor(who), email, name="", role=Role.SELLER, by_mail=by_mail)
    assert house.store.people == before


def test_a_site_shows_its_own_people_in_pages(house: House) -> None:
    seen, after = [], None
    while True:
        page = house.people.find(house.admin, search="", limit=2, after=after)
        assert page.total == 5
        seen += page.items
        after = page.next
        if after is None:
            break
    emails = [f"{name}@shop.test" for name in ("ana", "bea", "cyd", "dan", "eva")]
    assert [each.email for each in seen] == emails
    assert [each.name for each in seen] == ["ana", "bea", "cyd", "", ""]
    assert [each.is_oneself for each in seen] == [True, False, False, False, False]


def test_a_superuser_sees_every_name(house: House) -> None:
    page = house.people.find(house.superuser, search="", limit=9, after=None)
    assert [each.name for each in page.items] == ["ana", "bea", "cyd", "dan", "eva"]


@pytest.mark.parametrize("whom", ["somebody of another site", None])
def test_who_is_not_of_this_site_is_not_there(house: House, whom: str | None) -> None:
    user_id = house.who[whom] if whom else "x" * 22
    with pytest.raises(PersonNotFound):
        house.people.get(house.superuser, user_id)
    with pytest.raises(PersonNotFound):
        house.people.find(house.admin, search="", limit=9, after=user_id)
    for seller in [house.actor("a seller")]:
        with pytest.raises(Forbidden):
            house.people.find(seller, search="", limit=9, after=None)

"""Who may sign in, what they get for it, and what ends it."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from avenue.accounts.devices import device_of
from avenue.accounts.emails import checked_email, normal_email
from avenue.accounts.errors import (
    EmailTaken,
    InvalidEmail,
    ScopeNotYours,
    TokenNotFound,
    UserNotFound,
    WeakPassword,
    WrongCredentials,
    WrongPassword,
)
from avenue.accounts.models import User
from avenue.accounts.service import AccountService
from avenue.errors import Invalid, TooManyRequests
from avenue.identity import Actor, Role, Scope, Site
from tests.growth import growth
from tests.table import table
from tests.unit.accounts.memory import (
    Clock,
    MemoryStore,
    MinuteCounter,
    PlainPasswords,
    accounts_of,
)

HERE = Site(id="default", hosts=(), base_url="https://shop.test", name="Zapatos")
THERE = Site(id="other", hosts=(), base_url="https://other.test", name="Other")
ANA = "ana@shop.test"
GOOD = "correct horse battery"
NEWER = "staple of another kind"
ADDRESS = "203.0.113.7"


class House:
    """The service with everything around it at hand."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.passwords = PlainPasswords()
        self.tries = MinuteCounter()
        self.clock = Clock()
        self.accounts = accounts_of(self.store, self.passwords, self.tries, self.clock)

    def add(self, email: str = ANA, role: Role = Role.SELLER, *, superuser: bool = False) -> User:
        return self.accounts.add_user(
            email, GOOD, name="Ana", roles={HERE.id: role}, superuser=superuser
        ).user

    def sign_in(
        self, email: str = ANA, password: str = GOOD, *, site: Site = HERE, address: str = ADDRESS
    ) -> tuple[User, Actor]:
        return self.accounts.sign_in(site, email, password, address=address)

    def token(self, *, site: Site = HERE) -> str:
        return self.accounts.sign_in_for_token(site, ANA, GOOD, address=ADDRESS)[1].secret

    def by_token(self, token: str, *, site: Site = HERE) -> Actor | None:
        return self.accounts.by_token(site, token)


@pytest.fixture
def house() -> House:
    return House()


@pytest.mark.parametrize("typed", [ANA, "ANA@Shop.Test", "  ana@shop.test\n", "\uff41na@shop.test"])
def test_an_email_is_the_same_person_however_it_is_typed(house: House, typed: str) -> None:
    ana = house.add()
    assert house.sign_in(typed)[0] == ana


def test_signing_in_says_who_acts_and_as_what(house: House) -> None:
    ana = house.add()
    user, actor = house.sign_in()
    assert user == ana
    assert actor == Actor(site=HERE, id=ana.id, email="ana@shop.test", role=Role.SELLER)


def test_a_superuser_is_admin_of_every_site(house: House) -> None:
    house.add(role=Role.OPS, superuser=True)
    _, actor = house.sign_in(site=THERE)
    assert actor.role is Role.ADMIN
    assert actor.superuser


def wrong_password(house: House) -> None:
    house.sign_in(password="wrong password")


def unknown_person(house: House) -> None:
    house.sign_in("nobody@shop.test")


def no_role_here(house: House) -> None:
    house.sign_in(site=THERE)


def disabled(house: House) -> None:
    house.accounts.set_disabled(ANA, disabled=True)
    house.sign_in()


@pytest.mark.parametrize("attempt", [wrong_password, unknown_person, no_role_here, disabled])
def test_every_way_not_to_get_in_looks_and_costs_the_same(house: House, attempt) -> None:
    house.add()
    with pytest.raises(WrongCredentials) as refused:
        attempt(house)
    assert refused.value.message == WrongCredentials.message
    assert refused.value.facts == {}
    assert house.passwords.checks == 1


def test_after_ten_tries_in_a_minute_the_right_password_does_not_help(house: House) -> None:
    house.add()
    for _ in range(10):
        with pytest.raises(WrongCredentials):
            house.sign_in(password="wrong password")
    with pytest.raises(TooManyRequests) as refused:
        house.sign_in()
    assert refused.value.headers["Retry-After"] == "42"
    assert house.passwords.checks == 10


def test_nobody_is_locked_out_for_good_nor_from_elsewhere(house: House) -> None:
    house.add()
    for _ in range(10):
        with pytest.raises(WrongCredentials):
            house.sign_in(password="wrong password")
    house.sign_in(address="198.51.100.1")
    house.tries.next_minute()
    house.sign_in()


def test_one_address_cannot_walk_through_a_list_of_accounts(house: House) -> None:
    for number in range(100):
        with pytest.raises(WrongCredentials):
            house.sign_in(f"person{number}@shop.test")
    with pytest.raises(TooManyRequests):
        house.sign_in("person100@shop.test")
    with pytest.raises(WrongCredentials):
        house.sign_in("person100@shop.test", address="198.51.100.1")


@pytest.mark.parametrize(
    ("one", "another", "together"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:203.0.113.7", "203.0.113.7", True),
        ("::ffff:203.0.113.7", "::ffff:203.0.113.8", False),
        ("fe80::1%eth0", "fe80::2%eth0", True),
        ("unix:", "", False),
    ],
)
def test_an_ipv6_network_counts_as_one_address(
    house: House, one: str, another: str, together: bool
) -> None:
    for address in (one, another):
        with pytest.raises(WrongCredentials):
            house.sign_in(address=address)
    assert len(house.tries.counts) == (2 if together else 4)


def test_counters_show_neither_email_nor_address(house: House) -> None:
    house.add()
    house.sign_in()
    assert house.tries.counts
    assert not [key for key in house.tries.counts if "ana" in key or "203" in key.split(":")[0]]
    assert all(len(key) == len("login:") + 64 for key in house.tries.counts)


def test_a_token_is_kept_only_as_its_sha256(house: House) -> None:
    house.add()
    secret = house.token()
    assert secret.startswith("av_")
    assert len(secret) == 3 + 43
    assert secret not in repr(house.store.kept_tokens)
    assert secret not in str([vars_of(each) for each in house.store.kept_tokens.values()])


def vars_of(value: object) -> dict[str, object]:
    return {name: getattr(value, name) for name in value.__slots__}  # type: ignore[attr-defined]


def test_a_token_is_good_on_its_site_until_it_expires(house: House) -> None:
    ana = house.add(superuser=True)
    secret = house.token()
    actor = house.by_token(secret)
    assert actor is not None
    assert actor.id == ana.id
    assert house.by_token(secret, site=THERE) is None
    house.clock.pass_(days=30, seconds=-1)
    assert house.by_token(secret) is not None
    house.clock.pass_(seconds=1)
    assert house.by_token(secret) is None


@pytest.mark.parametrize("token", ["", "av_", "av_" + "A" * 43, "av_" + "x" * 5000, "Ñ", "\udcff"])
def test_an_invented_token_is_nobodys(house: House, token: str) -> None:
    house.add()
    assert house.by_token(token) is None


def test_a_role_taken_away_counts_at_once(house: House) -> None:
    ana = house.add()
    secret, session = house.token(), house.accounts.begin_session(ana, HERE)
    house.store.people[ana.id] = replace(house.store.people[ana.id], roles={})
    assert house.by_token(secret) is None
    assert house.accounts.by_session(HERE, ana.id, session) is None


def session_and_tokens(house: House, session: str) -> tuple[bool, bool, bool]:
    """Sign-in token and named token of the fixture below, then the session: which are good?"""
    ana = house.store.users()[0]
    return (
        house.by_token(house.signed) is not None,  # type: ignore[attr-defined]
        house.by_token(house.named) is not None,  # type: ignore[attr-defined]
        house.accounts.by_session(HERE, ana.id, session) is not None,
    )


@pytest.mark.parametrize(
    ("what", "still_good"),
    [
        ("nothing", (True, True, True)),
        ("sign out in a browser", (True, True, False)),
        ("sign out in another browser", (True, True, True)),
        ("sign out everywhere", (False, True, False)),
        ("sign out a token", (False, True, True)),
        ("new password", (False, False, False)),
        ("disabled", (False, False, False)),
        ("disabled and enabled again", (False, False, False)),
    ],
)
def test_what_ends_what(house: House, what: str, still_good: tuple[bool, bool, bool]) -> None:
    house.add()
    user, actor = house.sign_in()
    session, other = (house.accounts.begin_session(user, HERE) for _ in range(2))
    house.signed = house.token()  # type: ignore[attr-defined]
    house.named = house.accounts.create_token(  # type: ignore[attr-defined]
        actor, name="app", scopes=frozenset({Scope.READ}), days=None
    ).secret
    match what:
        case "sign out in a browser":
            house.accounts.end_session(actor, session)
        case "sign out in another browser":
            house.accounts.end_session(actor, other)
        case "sign out everywhere":
            house.accounts.sign_out_everywhere(actor)
        case "sign out a token":
            house.accounts.sign_out_token(house.signed)  # type: ignore[attr-defined]
        case "new password":
            house.accounts.change_password(ANA, NEWER)
        case "disabled":
            house.accounts.set_disabled(ANA, disabled=True)
        case "disabled and enabled again":
            house.accounts.set_disabled(ANA, disabled=True)
            house.accounts.set_disabled(ANA, disabled=False)
    assert session_and_tokens(house, session) == still_good


def test_a_use_is_noted_now_and_then_and_refuses_nobody(house: House) -> None:
    ana = house.add()
    session, token = house.accounts.begin_session(ana, HERE, agent="curl/8"), house.token()
    actor = house.by_token(token)  # of a token the first use counts, its making does not
    assert actor is not None

    def use(agent: str) -> tuple[str, str]:
        assert house.accounts.by_session(HERE, ana.id, session, agent=agent)
        assert house.accounts.by_token(HERE, token, agent=agent)
        (kept,), (used,) = house.accounts.sessions(actor), house.store.kept_tokens.values()
        return kept.device, used.device

    for minutes, agent, devices, notes in (
        (0, "Dart/3.2 (dart:io)", ("curl", ""), 1),
        (9, "Dart/3.2 (dart:io)", ("curl", ""), 1),
        (1, "Dart/3.2 (dart:io)", ("Dart", "Dart"), 3),
        (9, "curl/8", ("Dart", "Dart"), 3),
    ):
        house.clock.pass_(minutes=minutes)
        assert (use(agent), house.store.notes) == (devices, notes)
    house.clock.pass_(minutes=10)
    house.store.is_away = True
    assert (use("curl/8"), house.store.notes) == (("Dart", "Dart"), 4)  # once a minute, for all
    house.clock.pass_(minutes=2)
    house.store.is_away = False
    assert use("curl/8") == ("curl", "curl")
    house.clock.pass_(days=30)
    assert house.accounts.sessions(actor) == []
    assert house.accounts.by_session(HERE, ana.id, session) is None


@table(
    "agent, device",
    [
        ("", ""),
        (
            "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            "Firefox, Linux",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
            "Chrome/140.0.0.0 Safari/537.36 Edg/140.0",
            "Edge, Windows",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 "
            "(KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1",
            "Safari, iPhone",
        ),
        (
            "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) "
            "Chrome/140.0.0.0 Mobile Safari/537.36",
            "Chrome, Android",
        ),
        ("Mozilla/5.0 (Linux; U; Android 2.2)", "Android"),
        ("python-requests/2.32", "python-requests"),
        ("ERP Bridge/7 (Windows)", "ERP Bridge"),
        ("<script>alert(1)</script>", ""),
        ("A" * 5000, ""),
    ],
)
def test_a_device_is_told_coarsely(agent: str, device: str) -> None:
    assert device_of(agent) == device


def test_a_token_made_while_the_password_changes_is_born_dead(house: House) -> None:
    house.add()
    check = house.passwords.verify

    def change_meanwhile(stored: str | None, password: str) -> bool:
        good = check(stored, password)
        house.accounts.change_password(ANA, NEWER)
        return good

    house.passwords.verify = change_meanwhile  # type: ignore[method-assign]
    assert house.by_token(house.token()) is None


def test_tokens_are_listed_newest_first_in_pages(house: House) -> None:
    house.add()
    _, actor = house.sign_in()
    made = []
    for number in range(5):
        scopes = frozenset({Scope.READ})
        made.append(house.accounts.create_token(actor, name=f"{number}", scopes=scopes, days=7))
        house.clock.pass_(seconds=number % 2)  # some in the same millisecond
    seen, after = [], None
    while True:
        page = house.accounts.tokens(actor, limit=2, after=after)
        assert page.total == 5
        seen += page.items
        after = page.next
        if after is None:
            break
    assert {each.id for each in seen} == {each.token.id for each in made}
    assert seen == sorted(seen, key=lambda each: (each.created_at, each.id), reverse=True)


@pytest.mark.parametrize("after", ["", "x", "1.", "١.AAAAAAAAAAAAAAAAAAAAAA", "9" * 40 + ".A"])
def test_a_cursor_that_we_never_gave_is_refused(house: House, after: str) -> None:
    house.add()
    _, actor = house.sign_in()
    with pytest.raises(Invalid):
        house.accounts.tokens(actor, limit=2, after=after)


def test_a_token_cannot_make_one_that_may_do_more(house: House) -> None:
    house.add()
    _, actor = house.sign_in()
    narrow = replace(actor, scopes=frozenset({Scope.ACCOUNT}))
    with pytest.raises(ScopeNotYours) as refused:
        house.accounts.create_token(narrow, name="x", scopes=frozenset(Scope), days=1)
    assert refused.value.facts == {"scopes": ["read", "write"]}
    assert house.store.kept_tokens == {}


def test_only_own_tokens_of_this_site_can_be_revoked(house: House) -> None:
    house.add(superuser=True)
    house.add("ben@shop.test")
    _, ana = house.sign_in()
    _, ben = house.sign_in("ben@shop.test")
    new = house.accounts.create_token(ana, name="x", scopes=frozenset({Scope.READ}), days=1)
    for other in (ben, replace(ana, site=THERE)):
        with pytest.raises(TokenNotFound):
            house.accounts.revoke_token(other, new.token.id)
    house.accounts.revoke_token(ana, new.token.id)
    assert house.by_token(new.secret) is None
    with pytest.raises(TokenNotFound):
        house.accounts.revoke_token(ana, new.token.id)


def test_the_first_administrator_is_made_once(house: House) -> None:
    new = house.accounts.first_administrator("default", email=None, password=None)
    assert new is not None
    assert new.user.email == "admin@localhost"
    assert new.user.superuser
    assert new.user.roles == {"default": Role.ADMIN}
    assert new.made_password
    house.sign_in("admin@localhost", new.made_password)
    assert house.accounts.first_administrator("default", email="x@y", password=GOOD) is None


def test_the_first_administrator_can_be_told(house: House) -> None:
    new = house.accounts.first_administrator("default", email="Boss@Shop.Test", password=GOOD)
    assert new is not None
    assert new.made_password is None
    house.sign_in("boss@shop.test")


def test_two_people_cannot_have_one_email(house: House) -> None:
    house.add()
    with pytest.raises(EmailTaken):
        house.add(ANA.upper())


@pytest.mark.parametrize(
    "email", ["", "ana", "@shop.test", "ana@", "a b@shop.test", "a@b@c", "a\x00@b", "\udc80@b"]
)
def test_what_is_no_email_is_refused(house: House, email: str) -> None:
    with pytest.raises(InvalidEmail):
        house.add(email)


def test_an_email_has_at_most_254_characters(house: House) -> None:
    house.add("a" * (254 - len("@shop.test")) + "@shop.test")
    with pytest.raises(InvalidEmail):
        house.add("a" * (255 - len("@shop.test")) + "@shop.test")


def test_a_weak_new_password_changes_nothing(house: House) -> None:
    house.add()
    before = dict(house.store.people)
    with pytest.raises(WeakPassword):
        house.accounts.change_password(ANA, "password123")
    assert house.store.people == before


def test_a_password_is_made_when_none_is_given(house: House) -> None:
    house.add()
    made = house.accounts.change_password(ANA, None)
    assert made
    house.sign_in(password=made)
    assert house.accounts.change_password(ANA, GOOD) is None


@pytest.mark.parametrize(
    "command",
    [
        lambda accounts: accounts.change_password(ANA, None),
        lambda accounts: accounts.set_disabled(ANA, disabled=True),
        lambda accounts: accounts.add_token(
            ANA, "default", name="", scopes=frozenset(Scope), days=1
        ),
    ],
    ids=["users password", "users disable", "tokens add"],
)
def test_commands_say_when_there_is_no_such_person(
    house: House, command: Callable[[AccountService], object]
) -> None:
    with pytest.raises(UserNotFound):
        command(house.accounts)


def test_a_command_can_make_a_token(house: House) -> None:
    house.add()
    scopes = frozenset({Scope.READ})
    new = house.accounts.add_token(ANA, "default", name="backup", scopes=scopes, days=365)
    actor = house.by_token(new.secret)
    assert actor is not None
    assert actor.scopes == scopes


def test_nothing_secret_shows_when_a_person_is_printed(house: House) -> None:
    house.add()
    user, new = house.accounts.sign_in_for_token(HERE, ANA, GOOD, address=ADDRESS)
    printed = repr((user, new, house.accounts.users()))
    for secret in (ANA, GOOD, new.secret, new.token.secret_sha256):
        assert secret not in printed


def test_an_email_is_normal_after_one_round() -> None:
    assert normal_email(" \uff21na@SHOP.test ") == "ana@shop.test"


def test_ones_own_password_needs_the_old_one(house: House) -> None:
    house.add()
    user, actor = house.sign_in()
    with pytest.raises(WrongPassword):
        house.accounts.change_own_password(actor, "not the old one", NEWER, address=ADDRESS)
    with pytest.raises(WeakPassword):
        house.accounts.change_own_password(actor, GOOD, ANA, address=ADDRESS)
    assert house.store.people[user.id] == user
    token, session = house.token(), house.accounts.begin_session(user, HERE)
    changed = house.accounts.change_own_password(actor, GOOD, NEWER, address=ADDRESS)
    assert house.by_token(token) is None
    assert house.accounts.by_session(HERE, user.id, session) is None
    late = house.accounts.begin_session(user, HERE)  # of whoever knew the old one
    assert house.accounts.by_session(HERE, user.id, late) is None
    new = house.accounts.begin_session(changed, HERE)
    assert house.accounts.by_session(HERE, user.id, new) is not None
    house.sign_in(password=NEWER)


def test_an_open_browser_is_no_place_to_guess_the_old_one(house: House) -> None:
    house.add()
    _, actor = house.sign_in()
    for _ in range(9):
        with pytest.raises(WrongPassword):
            house.accounts.change_own_password(actor, "a guess", NEWER, address=ADDRESS)
    with pytest.raises(TooManyRequests):
        house.accounts.change_own_password(actor, GOOD, NEWER, address=ADDRESS)


def test_of_two_changes_at_once_the_first_counts(house: House) -> None:
    house.add()
    _, actor = house.sign_in()
    hash_ = house.passwords.hash

    def meanwhile(password: str) -> str:
        house.passwords.hash = hash_  # type: ignore[method-assign]
        house.accounts.change_password(ANA, "the password of the first")
        return hash_(password)

    house.passwords.hash = meanwhile  # type: ignore[method-assign]
    with pytest.raises(WrongPassword):
        house.accounts.change_own_password(actor, GOOD, NEWER, address=ADDRESS)
    house.sign_in(password="the password of the first")


def test_a_long_email_is_refused_before_it_is_composed():
    """Composing takes the square of a run of combining marks."""

    def check(size: int) -> None:
        with pytest.raises(InvalidEmail):
            checked_email("a" * 255 + "@b" + "\u0301\u0316" * size)

    assert growth(check) == 0

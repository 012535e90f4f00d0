"""Who may sign in, what they get for it, and what ends it."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from avenue.accounts.devices import device_of
from avenue.accounts.email_addresses import checked_email, normal_email
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
    callers_of,
)

HERE = Site(id="default", hosts=(), base_url="https://shop.test", name="Zapatos")
THERE = Site(id="other", hosts=(), base_url="https://other.test", name="Other")
ANA = "ana@shop.test"
GOOD = "correct horse battery"
NEWER = "staple of another kind"
ADDRESS = "203.0.113.7"


class Deployment:
    """The service with everything around it at hand."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.passwords = PlainPasswords()
        self.tries = MinuteCounter()
        self.clock = Clock()
        self.accounts = accounts_of(self.store, self.passwords, self.tries, self.clock)
        self.callers = callers_of(self.store, self.clock)

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
        return self.callers.by_token(site, token)


@pytest.fixture
def deployment() -> Deployment:
    return Deployment()


@pytest.mark.parametrize("typed", [ANA, "ANA@Shop.Test", "  ana@shop.test\n", "\uff41na@shop.test"])
def test_an_email_is_the_same_person_however_it_is_typed(
    deployment: Deployment, typed: str
) -> None:
    ana = deployment.add()
    assert deployment.sign_in(typed)[0] == ana


def test_signing_in_says_who_acts_and_as_what(deployment: Deployment) -> None:
    ana = deployment.add()
    user, actor = deployment.sign_in()
    assert user == ana
    assert actor == Actor(site=HERE, id=ana.id, email="ana@shop.test", role=Role.SELLER)


def test_a_superuser_is_admin_of_every_site(deployment: Deployment) -> None:
    deployment.add(role=Role.OPS, superuser=True)
    _, actor = deployment.sign_in(site=THERE)
    assert actor.role is Role.ADMIN
    assert actor.superuser


def wrong_password(deployment: Deployment) -> None:
    deployment.sign_in(password="wrong password")


def unknown_person(deployment: Deployment) -> None:
    deployment.sign_in("nobody@shop.test")


def no_role_here(deployment: Deployment) -> None:
    deployment.sign_in(site=THERE)


def disabled(deployment: Deployment) -> None:
    deployment.accounts.set_disabled(ANA, disabled=True)
    deployment.sign_in()


@pytest.mark.parametrize("attempt", [wrong_password, unknown_person, no_role_here, disabled])
def test_every_way_not_to_get_in_looks_and_costs_the_same(deployment: Deployment, attempt) -> None:
    deployment.add()
    with pytest.raises(WrongCredentials) as refused:
        attempt(deployment)
    assert refused.value.message == WrongCredentials.message
    assert refused.value.facts == {}
    assert deployment.passwords.checks == 1


def test_after_ten_tries_in_a_minute_the_right_password_does_not_help(
    deployment: Deployment,
) -> None:
    deployment.add()
    for _ in range(10):
        with pytest.raises(WrongCredentials):
            deployment.sign_in(password="wrong password")
    with pytest.raises(TooManyRequests) as refused:
        deployment.sign_in()
    assert refused.value.headers["Retry-After"] == "42"
    assert deployment.passwords.checks == 10


def test_nobody_is_locked_out_for_good_nor_from_elsewhere(deployment: Deployment) -> None:
    deployment.add()
    for _ in range(10):
        with pytest.raises(WrongCredentials):
            deployment.sign_in(password="wrong password")
    deployment.sign_in(address="198.51.100.1")
    deployment.tries.next_minute()
    deployment.sign_in()


def test_one_address_cannot_walk_through_a_list_of_accounts(deployment: Deployment) -> None:
    for number in range(100):
        with pytest.raises(WrongCredentials):
            deployment.sign_in(f"person{number}@shop.test")
    with pytest.raises(TooManyRequests):
        deployment.sign_in("person100@shop.test")
    with pytest.raises(WrongCredentials):
        deployment.sign_in("person100@shop.test", address="198.51.100.1")


@pytest.mark.parametrize(
    ("one", "another", "together"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:203.0.113.7", "203.0.113.7", True),
        ("::ffff:203.0.113.7", "::ffff:203.0.113.8", False),
        ("fe80::1%eth0", "fe80::2%eth0", True),
        ("unix:", "", True),
    ],
)
def test_an_ipv6_network_counts_as_one_address(
    deployment: Deployment, one: str, another: str, together: bool
) -> None:
    for address in (one, another):
        with pytest.raises(WrongCredentials):
            deployment.sign_in(address=address)
    assert len(deployment.tries.counts) == (2 if together else 4)


def test_counters_show_neither_email_nor_address(deployment: Deployment) -> None:
    deployment.add()
    deployment.sign_in()
    assert deployment.tries.counts
    assert not [
        key for key in deployment.tries.counts if "ana" in key or "203" in key.split(":")[0]
    ]
    assert all(len(key) == len("login:") + 64 for key in deployment.tries.counts)


def test_a_token_is_kept_only_as_its_sha256(deployment: Deployment) -> None:
    deployment.add()
    secret = deployment.token()
    assert secret.startswith("av_")
    assert len(secret) == 3 + 43
    assert secret not in repr(deployment.store.kept_tokens)
    assert secret not in str([vars_of(each) for each in deployment.store.kept_tokens.values()])


def vars_of(value: object) -> dict[str, object]:
    return {name: getattr(value, name) for name in value.__slots__}  # type: ignore[attr-defined]


def test_a_token_is_good_on_its_site_until_it_expires(deployment: Deployment) -> None:
    ana = deployment.add(superuser=True)
    secret = deployment.token()
    actor = deployment.by_token(secret)
    assert actor is not None
    assert actor.id == ana.id
    assert deployment.by_token(secret, site=THERE) is None
    deployment.clock.pass_(days=30, seconds=-1)
    assert deployment.by_token(secret) is not None
    deployment.clock.pass_(seconds=1)
    assert deployment.by_token(secret) is None


@pytest.mark.parametrize("token", ["", "av_", "av_" + "A" * 43, "av_" + "x" * 5000, "Ñ", "\udcff"])
def test_an_invented_token_is_nobodys(deployment: Deployment, token: str) -> None:
    deployment.add()
    assert deployment.by_token(token) is None


def test_a_role_taken_away_counts_at_once(deployment: Deployment) -> None:
    ana = deployment.add()
    secret, session = deployment.token(), deployment.accounts.begin_session(ana, HERE)
    deployment.store.people[ana.id] = replace(deployment.store.people[ana.id], roles={})
    assert deployment.by_token(secret) is None
    assert deployment.callers.by_session(HERE, ana.id, session) is None


def session_and_tokens(deployment: Deployment, session: str) -> tuple[bool, bool, bool]:
    """Sign-in token and named token of the fixture below, then the session: which are good?"""
    ana = deployment.store.users()[0]
    return (
        deployment.by_token(deployment.signed) is not None,  # type: ignore[attr-defined]
        deployment.by_token(deployment.named) is not None,  # type: ignore[attr-defined]
        deployment.callers.by_session(HERE, ana.id, session) is not None,
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
def test_what_ends_what(
    deployment: Deployment, what: str, still_good: tuple[bool, bool, bool]
) -> None:
    deployment.add()
    user, actor = deployment.sign_in()
    session, other = (deployment.accounts.begin_session(user, HERE) for _ in range(2))
    deployment.signed = deployment.token()  # type: ignore[attr-defined]
    deployment.named = deployment.accounts.create_token(  # type: ignore[attr-defined]
        actor, name="app", scopes=frozenset({Scope.READ}), days=None
    ).secret
    match what:
        case "sign out in a browser":
            deployment.accounts.end_session(actor, session)
        case "sign out in another browser":
            deployment.accounts.end_session(actor, other)
        case "sign out everywhere":
            deployment.accounts.sign_out_everywhere(actor)
        case "sign out a token":
            deployment.accounts.sign_out_token(deployment.signed)  # type: ignore[attr-defined]
        case "new password":
            deployment.accounts.change_password(ANA, NEWER)
        case "disabled":
            deployment.accounts.set_disabled(ANA, disabled=True)
        case "disabled and enabled again":
            deployment.accounts.set_disabled(ANA, disabled=True)
            deployment.accounts.set_disabled(ANA, disabled=False)
    assert session_and_tokens(deployment, session) == still_good


def test_a_use_is_noted_now_and_then_and_refuses_nobody(deployment: Deployment) -> None:
    ana = deployment.add()
    session, token = (
        deployment.accounts.begin_session(ana, HERE, agent="curl/8"),
        deployment.token(),
    )
    actor = deployment.by_token(token)  # of a token the first use counts, its making does not
    assert actor is not None

    def use(agent: str) -> tuple[str, str]:
        assert deployment.callers.by_session(HERE, ana.id, session, agent=agent)
        assert deployment.callers.by_token(HERE, token, agent=agent)
        (kept,), (used,) = (
            deployment.accounts.sessions(actor),
            deployment.store.kept_tokens.values(),
        )
        return kept.device, used.device

    for minutes, agent, devices, notes in (
        (0, "Dart/3.2 (dart:io)", ("curl", ""), 1),
        (9, "Dart/3.2 (dart:io)", ("curl", ""), 1),
        (1, "Dart/3.2 (dart:io)", ("Dart", "Dart"), 3),
        (9, "curl/8", ("Dart", "Dart"), 3),
    ):
        deployment.clock.pass_(minutes=minutes)
        assert (use(agent), deployment.store.notes) == (devices, notes)
    deployment.clock.pass_(minutes=10)
    deployment.store.is_away = True
    assert (use("curl/8"), deployment.store.notes) == (
        ("Dart", "Dart"),
        4,
    )  # once a minute, for all
    deployment.clock.pass_(minutes=2)
    deployment.store.is_away = False
    assert use("curl/8") == ("curl", "curl")
    deployment.clock.pass_(days=30)
    assert deployment.accounts.sessions(actor) == []
    assert deployment.callers.by_session(HERE, ana.id, session) is None


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


def test_a_token_made_while_the_password_changes_is_born_dead(deployment: Deployment) -> None:
    deployment.add()
    check = deployment.passwords.verify

    def change_meanwhile(stored: str | None, password: str) -> bool:
        good = check(stored, password)
        deployment.accounts.change_password(ANA, NEWER)
        return good

    deployment.passwords.verify = change_meanwhile  # type: ignore[method-assign]
    assert deployment.by_token(deployment.token()) is None


def test_tokens_are_listed_newest_first_in_pages(deployment: Deployment) -> None:
    deployment.add()
    _, actor = deployment.sign_in()
    made = []
    for number in range(5):
        scopes = frozenset({Scope.READ})
        made.append(
            deployment.accounts.create_token(actor, name=f"{number}", scopes=scopes, days=7)
        )
        deployment.clock.pass_(seconds=number % 2)  # some in the same millisecond
    seen, after = [], None
    while True:
        page = deployment.accounts.tokens(actor, limit=2, after=after)
        assert page.total == 5
        seen += page.items
        after = page.next
        if after is None:
            break
    assert {each.id for each in seen} == {each.token.id for each in made}
    assert seen == sorted(seen, key=lambda each: (each.created_at, each.id), reverse=True)


@pytest.mark.parametrize("after", ["", "x", "1.", "١.AAAAAAAAAAAAAAAAAAAAAA", "9" * 40 + ".A"])
def test_a_cursor_that_we_never_gave_is_refused(deployment: Deployment, after: str) -> None:
    deployment.add()
    _, actor = deployment.sign_in()
    with pytest.raises(Invalid):
        deployment.accounts.tokens(actor, limit=2, after=after)


def test_a_token_cannot_make_one_that_may_do_more(deployment: Deployment) -> None:
    deployment.add()
    _, actor = deployment.sign_in()
    narrow = replace(actor, scopes=frozenset({Scope.ACCOUNT}))
    with pytest.raises(ScopeNotYours) as refused:
        deployment.accounts.create_token(narrow, name="x", scopes=frozenset(Scope), days=1)
    assert refused.value.facts == {"scopes": ["read", "write"]}
    assert deployment.store.kept_tokens == {}


def test_only_own_tokens_of_this_site_can_be_revoked(deployment: Deployment) -> None:
    deployment.add(superuser=True)
    deployment.add("ben@shop.test")
    _, ana = deployment.sign_in()
    _, ben = deployment.sign_in("ben@shop.test")
    new = deployment.accounts.create_token(ana, name="x", scopes=frozenset({Scope.READ}), days=1)
    for other in (ben, replace(ana, site=THERE)):
        with pytest.raises(TokenNotFound):
            deployment.accounts.revoke_token(other, new.token.id)
    deployment.accounts.revoke_token(ana, new.token.id)
    assert deployment.by_token(new.secret) is None
    with pytest.raises(TokenNotFound):
        deployment.accounts.revoke_token(ana, new.token.id)


def test_the_first_administrator_is_made_once(deployment: Deployment) -> None:
    new = deployment.accounts.first_administrator("default", email=None, password=None)
    assert new is not None
    assert new.user.email == "admin@localhost"
    assert new.user.superuser
    assert new.user.roles == {"default": Role.ADMIN}
    assert new.made_password
    deployment.sign_in("admin@localhost", new.made_password)
    assert deployment.accounts.first_administrator("default", email="x@y", password=GOOD) is None


def test_the_first_administrator_can_be_told(deployment: Deployment) -> None:
    new = deployment.accounts.first_administrator("default", email="Boss@Shop.Test", password=GOOD)
    assert new is not None
    assert new.made_password is None
    deployment.sign_in("boss@shop.test")


def test_two_people_cannot_have_one_email(deployment: Deployment) -> None:
    deployment.add()
    with pytest.raises(EmailTaken):
        deployment.add(ANA.upper())


@pytest.mark.parametrize(
    "email", ["", "ana", "@shop.test", "ana@", "a b@shop.test", "a@b@c", "a\x00@b", "\udc80@b"]
)
def test_what_is_no_email_is_refused(deployment: Deployment, email: str) -> None:
    with pytest.raises(InvalidEmail):
        deployment.add(email)


def test_an_email_has_at_most_254_characters(deployment: Deployment) -> None:
    deployment.add("a" * (254 - len("@shop.test")) + "@shop.test")
    with pytest.raises(InvalidEmail):
        deployment.add("a" * (255 - len("@shop.test")) + "@shop.test")


def test_a_weak_new_password_changes_nothing(deployment: Deployment) -> None:
    deployment.add()
    before = dict(deployment.store.people)
    with pytest.raises(WeakPassword):
        deployment.accounts.change_password(ANA, "password123")
    assert deployment.store.people == before


def test_a_password_is_made_when_none_is_given(deployment: Deployment) -> None:
    deployment.add()
    made = deployment.accounts.change_password(ANA, None)
    assert made
    deployment.sign_in(password=made)
    assert deployment.accounts.change_password(ANA, GOOD) is None


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
    deployment: Deployment, command: Callable[[AccountService], object]
) -> None:
    with pytest.raises(UserNotFound):
        command(deployment.accounts)


def test_a_command_can_make_a_token(deployment: Deployment) -> None:
    deployment.add()
    scopes = frozenset({Scope.READ})
    new = deployment.accounts.add_token(ANA, "default", name="backup", scopes=scopes, days=365)
    actor = deployment.by_token(new.secret)
    assert actor is not None
    assert actor.scopes == scopes


def test_nothing_secret_shows_when_a_person_is_printed(deployment: Deployment) -> None:
    deployment.add()
    user, new = deployment.accounts.sign_in_for_token(HERE, ANA, GOOD, address=ADDRESS)
    printed = repr((user, new, deployment.accounts.users()))
    for secret in (ANA, GOOD, new.secret, new.token.secret_sha256):
        assert secret not in printed


def test_an_email_is_normal_after_one_round() -> None:
    assert normal_email(" \uff21na@SHOP.test ") == "ana@shop.test"


def test_ones_own_password_needs_the_old_one(deployment: Deployment) -> None:
    deployment.add()
    user, actor = deployment.sign_in()
    with pytest.raises(WrongPassword):
        deployment.accounts.change_own_password(actor, "not the old one", NEWER, address=ADDRESS)
    with pytest.raises(WeakPassword):
        deployment.accounts.change_own_password(actor, GOOD, ANA, address=ADDRESS)
    assert deployment.store.people[user.id] == user
    token, session = deployment.token(), deployment.accounts.begin_session(user, HERE)
    changed = deployment.accounts.change_own_password(actor, GOOD, NEWER, address=ADDRESS)
    assert deployment.by_token(token) is None
    assert deployment.callers.by_session(HERE, user.id, session) is None
    late = deployment.accounts.begin_session(user, HERE)  # of whoever knew the old one
    assert deployment.callers.by_session(HERE, user.id, late) is None
    new = deployment.accounts.begin_session(changed, HERE)
    assert deployment.callers.by_session(HERE, user.id, new) is not None
    deployment.sign_in(password=NEWER)


def test_an_open_browser_is_no_place_to_guess_the_old_one(deployment: Deployment) -> None:
    deployment.add()
    _, actor = deployment.sign_in()
    for _ in range(9):
        with pytest.raises(WrongPassword):
            deployment.accounts.change_own_password(actor, "a guess", NEWER, address=ADDRESS)
    with pytest.raises(TooManyRequests):
        deployment.accounts.change_own_password(actor, GOOD, NEWER, address=ADDRESS)


def test_of_two_changes_at_once_the_first_counts(deployment: Deployment) -> None:
    deployment.add()
    _, actor = deployment.sign_in()
    hash_ = deployment.passwords.hash

    def meanwhile(password: str) -> str:
        deployment.passwords.hash = hash_  # type: ignore[method-assign]
        deployment.accounts.change_password(ANA, "the password of the first")
        return hash_(password)

    deployment.passwords.hash = meanwhile  # type: ignore[method-assign]
    with pytest.raises(WrongPassword):
        deployment.accounts.change_own_password(actor, GOOD, NEWER, address=ADDRESS)
    deployment.sign_in(password="the password of the first")


def test_a_long_email_is_refused_before_it_is_composed():
    """Composing takes the square of a run of combining marks."""

    def check(size: int) -> None:
        with pytest.raises(InvalidEmail):
            checked_email("a" * 255 + "@b" + "\u0301\u0316" * size)

    assert growth(check) == 0

"""A new password by a link: who gets one, how long it is good, and what ends it."""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from avenue.accounts.account_emails import MailOrder, Why
from avenue.accounts.errors import ResetLinkGone, WeakPassword
from avenue.accounts.models import User
from avenue.accounts.recovery import MOST_OPEN_LINKS, NoMail, RecoveryService
from avenue.errors import TooManyRequests
from avenue.identity import Role, Scope, Site
from avenue.mail.models import Email
from tests.table import table
from tests.unit.accounts.memory import (
    Clock,
    MemoryStore,
    MinuteCounter,
    PlainPasswords,
    accounts_of,
    callers_of,
)

HERE = Site(id="default", hosts=(), base_url="https://shop.test", name="Zapatos\n Ana")
THERE = Site(id="other", hosts=(), base_url="https://other.test", name="Other")
ANA, GOOD, NEWER = "ana@shop.test", "correct horse battery", "staple of another kind"
ADDRESS = "203.0.113.7"


class Deployment:
    """The service, an outbox that keeps what is put in, and Ana."""

    def __init__(self, *, can_mail: bool = True) -> None:
        self.store, self.passwords = MemoryStore(), PlainPasswords()
        self.tries, self.clock = MinuteCounter(), Clock()
        self.waiting: dict[str, tuple[str, MailOrder]] = {}
        self.accounts = accounts_of(self.store, self.passwords, self.tries, self.clock)
        self.callers = callers_of(self.store, self.clock)
        self.recovery = RecoveryService(
            self.store,
            self.store,
            self.passwords,
            self.tries,
            self if can_mail else None,
            deployment_url="https://deployment.test",
            tries_per_minute=10,
            now=self.clock,
        )
        self.ana = self.accounts.add_user(ANA, GOOD, name="Ana", roles={HERE.id: Role.SELLER}).user

    def put(self, site_id: str, order: MailOrder, *, key: str) -> None:
        self.waiting.setdefault(key, (site_id, order))

    def ask(self, email: str = ANA, *, address: str = ADDRESS, language: str = "es") -> None:
        self.recovery.ask(HERE, email, address=address, language=language)

    def email(
        self,
        why: Why = Why.FORGOTTEN,
        *,
        order_id: str = "job",
        site: Site = HERE,
        language: str = "es",
    ) -> Email | None:
        order = MailOrder(why=why, user=self.ana.id, language=language)
        return self.recovery.email(site, order, order_id=order_id)

    def secret(self, why: Why = Why.FORGOTTEN, *, order_id: str = "job") -> str:
        email = self.email(why, order_id=order_id)
        assert email is not None
        return secret_in(email)

    def person(self, **changes: object) -> None:
        self.store.people[self.ana.id] = replace(self.store.people[self.ana.id], **changes)  # type: ignore[arg-type]

    def is_good(self, secret: str, site: Site = HERE) -> bool:
        try:
            return self.recovery.person_of(site, secret).id == self.ana.id
        except ResetLinkGone:
            return False


def secret_in(email: Email) -> str:
    found = re.search(r"https://\S+/login/reset/(\S+)", email.text)
    assert found
    return found[1]


@pytest.fixture
def deployment() -> Deployment:
    return Deployment()


def test_what_waits_names_nobody_and_holds_no_link(deployment: Deployment) -> None:
    deployment.ask(" ANA@shop.test")
    ((key, (site_id, order)),) = deployment.waiting.items()
    assert (site_id, order) == (
        "default",
        MailOrder(why=Why.FORGOTTEN, user=deployment.ana.id, language="es"),
    )
    assert re.fullmatch("[0-9a-f]{64}", key)
    assert deployment.store.links == {}


def test_for_nobody_the_same_is_done(deployment: Deployment) -> None:
    deployment.ask("nobody@shop.test")
    ((_, order),) = deployment.waiting.values()
    assert order.user is None
    assert deployment.recovery.email(HERE, order, order_id="job") is None


def test_asking_is_limited_like_signing_in_and_apart_from_it(deployment: Deployment) -> None:
    for _ in range(10):
        deployment.ask()
    with pytest.raises(TooManyRequests) as refused:
        deployment.ask()
    assert refused.value.headers["Retry-After"] == "42"
    deployment.ask(address="198.51.100.1")
    deployment.accounts.sign_in(HERE, ANA, GOOD, address=ADDRESS)
    assert not [key for key in deployment.tries.counts if "ana" in key or ADDRESS in key]


def test_one_address_cannot_ask_for_a_list_of_people(deployment: Deployment) -> None:
    for number in range(100):
        deployment.ask(f"person{number}@shop.test")
    with pytest.raises(TooManyRequests):
        deployment.ask("person100@shop.test")


def test_nobodys_mailbox_is_filled_from_many_addresses(deployment: Deployment) -> None:
    emails = [deployment.email(order_id=f"job {number}") for number in range(MOST_OPEN_LINKS + 2)]
    assert [each is not None for each in emails] == [True] * MOST_OPEN_LINKS + [False] * 2
    assert deployment.email(Why.RESET, order_id="by an administrator") is not None
    deployment.clock.pass_(hours=1)
    assert deployment.email(order_id="later") is not None


def test_a_link_is_kept_as_its_hash_and_lasts_an_hour(deployment: Deployment) -> None:
    secret = deployment.secret()
    (link,) = deployment.store.links.values()
    assert secret not in repr([getattr(link, name) for name in link.__slots__])
    deployment.clock.pass_(hours=1, seconds=-1)
    assert deployment.is_good(secret)
    deployment.clock.pass_(seconds=1)
    assert not deployment.is_good(secret)


def test_an_invitation_lasts_three_days(deployment: Deployment) -> None:
    secret = deployment.secret(Why.INVITED)
    deployment.clock.pass_(days=3, seconds=-1)
    assert deployment.is_good(secret)
    deployment.clock.pass_(seconds=1)
    assert not deployment.is_good(secret)


def test_written_again_for_one_order_the_former_link_ends(deployment: Deployment) -> None:
    first, second = deployment.secret(), deployment.secret()
    assert not deployment.is_good(first)
    assert deployment.is_good(second)
    assert len(deployment.store.links) == 1


def own_change(deployment: Deployment) -> None:
    _, actor = deployment.accounts.sign_in(HERE, ANA, GOOD, address=ADDRESS)
    deployment.accounts.change_own_password(actor, GOOD, NEWER, address=ADDRESS)


def command(deployment: Deployment) -> None:
    deployment.accounts.change_password(ANA, None)


def another_link(deployment: Deployment) -> None:
    deployment.recovery.set_password(HERE, deployment.secret(order_id="another"), NEWER)


def shut_out(deployment: Deployment) -> None:
    deployment.accounts.set_disabled(ANA, disabled=True)
    deployment.accounts.set_disabled(ANA, disabled=False)


def role_taken(deployment: Deployment) -> None:
    deployment.person(roles={THERE.id: Role.ADMIN})


@pytest.mark.parametrize("what", [own_change, command, another_link, shut_out, role_taken])
def test_what_ends_a_link(deployment: Deployment, what: Callable[[Deployment], None]) -> None:
    secret = deployment.secret()
    what(deployment)
    assert not deployment.is_good(secret)
    with pytest.raises(ResetLinkGone):
        deployment.recovery.set_password(HERE, secret, "quite another password")
    assert (
        deployment.store.people[deployment.ana.id].password_hash != "hash of quite another password"
    )


def test_signing_out_does_not_end_it(deployment: Deployment) -> None:
    secret = deployment.secret()
    _, actor = deployment.accounts.sign_in(HERE, ANA, GOOD, address=ADDRESS)
    deployment.accounts.sign_out_everywhere(actor)
    assert deployment.is_good(secret)


def test_it_sets_the_password_once_and_ends_everything_else(deployment: Deployment) -> None:
    user, _ = deployment.accounts.sign_in(HERE, ANA, GOOD, address=ADDRESS)
    session = deployment.accounts.begin_session(user, HERE)
    token = deployment.accounts.add_token(ANA, HERE.id, name="", scopes=frozenset(Scope), days=1)
    secret = deployment.secret()
    assert deployment.recovery.set_password(HERE, secret, NEWER).id == deployment.ana.id
    deployment.accounts.sign_in(HERE, ANA, NEWER, address=ADDRESS)
    assert deployment.callers.by_session(HERE, user.id, session) is None
    assert deployment.callers.by_token(HERE, token.secret) is None
    with pytest.raises(ResetLinkGone):
        deployment.recovery.set_password(HERE, secret, "quite another password")


def test_of_two_who_use_it_at_once_one_does(deployment: Deployment) -> None:
    secret, hash_ = deployment.secret(), deployment.passwords.hash

    def meanwhile(password: str) -> str:
        deployment.passwords.hash = hash_  # type: ignore[method-assign]
        deployment.recovery.set_password(HERE, secret, "the password of the first")
        return hash_(password)

    deployment.passwords.hash = meanwhile  # type: ignore[method-assign]
    with pytest.raises(ResetLinkGone):
        deployment.recovery.set_password(HERE, secret, NEWER)
    user = deployment.store.people[deployment.ana.id]
    assert user.password_hash == "hash of the password of the first"


def test_a_weak_password_does_not_use_it_up(deployment: Deployment) -> None:
    secret = deployment.secret()
    with pytest.raises(WeakPassword):
        deployment.recovery.set_password(HERE, secret, ANA)
    assert deployment.is_good(secret)


@pytest.mark.parametrize("secret", ["", "x", "x" * 43, "x" * 10_000, "\udcff", "Ñ"])
def test_an_invented_secret_is_no_link(deployment: Deployment, secret: str) -> None:
    deployment.secret()
    assert not deployment.is_good(secret)


def test_a_link_is_for_one_site(deployment: Deployment) -> None:
    secret = deployment.secret()
    assert deployment.is_good(secret)
    deployment.person(roles={HERE.id: Role.SELLER, THERE.id: Role.ADMIN})
    assert not deployment.is_good(secret, THERE)


BEYOND: list[dict[str, object]] = [
    {"superuser": True, "roles": {}},
    {"superuser": True, "roles": {THERE.id: Role.SELLER}},
    {"roles": {THERE.id: Role.SELLER, HERE.id: Role.SELLER}},
    {"roles": {THERE.id: Role.ADMIN, "third": Role.CLIENT}},
]


@pytest.mark.parametrize("changes", BEYOND)
@pytest.mark.parametrize("why", [*Why])
def test_who_has_rights_beyond_a_site_is_led_to_the_deployment_only(
    deployment: Deployment, changes: dict[str, object], why: Why
) -> None:
    deployment.person(**changes)
    email = deployment.email(why, site=THERE)
    assert email is not None
    assert THERE.base_url not in email.text
    assert "https://deployment.test/login" in email.text
    if why is Why.ADDED:
        return
    secret = secret_in(email)
    assert not deployment.is_good(secret, THERE)
    with pytest.raises(ResetLinkGone):
        deployment.recovery.set_password(THERE, secret, NEWER)
    assert deployment.recovery.set_password(HERE, secret, NEWER).id == deployment.ana.id


@table(
    "name", ["http://attacker.test/login", "attacker.test", "www.attacker.test", "a@attacker.test"]
)
def test_the_name_of_a_site_is_no_link_for_who_has_rights_beyond_it(
    deployment: Deployment, name: str
) -> None:
    named = replace(THERE, name=name)
    for roles, called in (({THERE.id: Role.SELLER}, name), (BEYOND[2]["roles"], THERE.id)):
        deployment.person(roles=roles)
        for why in Why:
            email = deployment.email(why, site=named)
            assert email is not None
            assert called in email.subject
            assert (name in email.text + email.subject) == (called == name)


@pytest.mark.parametrize("changes", BEYOND)
def test_a_link_that_was_sent_before_they_had_them_is_no_way_around(
    deployment: Deployment, changes: dict[str, object]
) -> None:
    deployment.person(roles={THERE.id: Role.SELLER})
    email = deployment.email(site=THERE)
    assert email is not None
    assert f"{THERE.base_url}/login/reset/" in email.text
    assert deployment.is_good(secret_in(email), THERE)
    deployment.person(**changes)
    assert not deployment.is_good(secret_in(email), THERE)


@pytest.mark.parametrize(
    "changes", [{"disabled": True}, {"roles": {THERE.id: Role.ADMIN}}, {"roles": {}}]
)
@pytest.mark.parametrize("why", [*Why])
def test_who_cannot_get_in_is_not_written_to(
    deployment: Deployment, changes: dict[str, object], why: Why
) -> None:
    deployment.person(**changes)
    assert deployment.email(why) is None
    assert deployment.store.links == {}


@pytest.mark.parametrize(
    ("why", "language", "subject"),
    [
        (Why.FORGOTTEN, "es", "Nueva contraseña para Zapatos Ana"),
        (Why.FORGOTTEN, "en", "New password for Zapatos Ana"),
        (Why.RESET, "es", "Nueva contraseña para Zapatos Ana"),
        (Why.INVITED, "es", "Tu acceso a Zapatos Ana"),
        (Why.ADDED, "en", "Your access to Zapatos Ana"),
        (Why.VOIDED, "es", "Tu acceso a Zapatos Ana"),
    ],
)
def test_emails_are_in_the_persons_language(
    deployment: Deployment, why: Why, language: str, subject: str
) -> None:
    email = deployment.email(why, language=language)
    assert email is not None
    assert (email.to, email.subject) == (ANA, subject)
    assert ("/login/reset/" in email.text) == (why is not Why.ADDED)
    assert ANA not in repr(email)
    assert "/login/" not in repr(email)
    assert "%(" not in email.text


def test_where_no_emails_are_sent_nothing_is_promised() -> None:
    deployment = Deployment(can_mail=False)
    assert not deployment.recovery.can_mail
    with pytest.raises(NoMail):
        deployment.ask()
    with pytest.raises(NoMail):
        deployment.recovery.write_to(HERE, deployment.ana, Why.INVITED)


def test_emails_of_administrators_are_in_the_sites_language(deployment: Deployment) -> None:
    user: User = deployment.ana
    deployment.recovery.write_to(replace(HERE, locale="en-GB"), user, Why.INVITED)
    ((_, order),) = deployment.waiting.values()
    assert order == MailOrder(why=Why.INVITED, user=user.id, language="en")

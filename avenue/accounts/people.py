"""The people of one site, and what its administrators may do with them.

A role belongs to the site. Password and access (`disabled`) belong to the person, on every site of
the deployment: a site's administrator decides about them only for people who are on this site alone
and no superuser. A superuser decides about everyone. People cannot disable themselves, and a site
keeps an administrator who can sign in.

A password that an administrator has seen is not the person's own: it ends everywhere when another
site adds them, and they get a link (docs/adr/0014).
"""

from collections.abc import Callable
from datetime import datetime

from avenue.accounts.account_emails import Why
from avenue.accounts.email_addresses import checked_email
from avenue.accounts.errors import (
    AlreadyHere,
    EmailTaken,
    LastAdministrator,
    ManagedElsewhere,
    NotYourself,
    PasswordNotOwn,
    PersonNotFound,
)
from avenue.accounts.models import Added, PeoplePage, Person, User
from avenue.accounts.passwords import Passwords, made_password
from avenue.accounts.recovery import NoMail, RecoveryService
from avenue.accounts.store.accounts import MongoAccountStore
from avenue.accounts.store.roles import RoleStore
from avenue.accounts.store.second_factors import FactorStore
from avenue.clock import utc_now
from avenue.identity import Actor, Role, Site, new_id


class PeopleService:
    """The people of a site. Every method raises `Forbidden` unless the actor administers it."""

    def __init__(
        self,
        store: MongoAccountStore,
        roles: RoleStore,
        factors: FactorStore,
        passwords: Passwords,
        recovery: RecoveryService,
        *,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._store = store
        self._roles = roles
        self._factors = factors
        self._passwords = passwords
        self._recovery = recovery
        self._now = now

    def find(self, actor: Actor, *, search: str, limit: int, after: str | None) -> PeoplePage:
        """Return people with a role on the site, by email.

        `after` is the `next` of the page before.

        Raise `PersonNotFound` when `after` is unknown.
        """
        actor.must_have(Role.ADMIN)
        behind = self._user(actor, after).email if after else None
        site = actor.site.id
        found = self._roles.people_of(site, search=search, after=behind, limit=limit + 1)
        return PeoplePage(
            items=tuple(_seen_by(actor, each) for each in found[:limit]),
            next=found[limit - 1].id if len(found) > limit else None,
            total=self._roles.count_people_of(site, search=search),
        )

    def get(self, actor: Actor, user_id: str) -> Person:
        """Return one of them; raise `PersonNotFound`."""
        actor.must_have(Role.ADMIN)
        return _seen_by(actor, self._user(actor, user_id))

    def add(self, actor: Actor, email: str, *, name: str, role: Role, by_mail: bool) -> Added:
        """Give a person a role on the site.

        A new person gets a generated password, which is returned, or `by_mail` a link to choose
        one. A known person keeps the name, and a password of their own; another password becomes
        invalid, and they get a link. Raise `InvalidEmail`, `AlreadyHere` (for a superuser, too:
        they may do everything here), `NoMail` or `PasswordNotOwn`.
        """
        actor.must_have(Role.ADMIN)
        if by_mail and not self._recovery.can_mail:
            raise NoMail
        known_as = checked_email(email)
        known = self._store.user_by_email(known_as)
        if known is None:
            try:
                return self._add_new(actor.site, known_as, name, role, by_mail=by_mail)
            except EmailTaken:  # added at this very moment
                known = self._store.user_by_email(known_as)
        while known:
            if actor.site.id in known.roles or (known.superuser and not actor.superuser):
                break
            added = self._add_known(actor.site, known, role, by_mail=by_mail)
            if added is not None:
                return added
            known = self._store.user_by_id(known.id)  # changed at this very moment
        raise AlreadyHere

    def change_role(self, actor: Actor, user_id: str, role: Role) -> None:
        """Change a person's role on the site, from the next request on.

        Raise `PersonNotFound`, `ManagedElsewhere` or `LastAdministrator`.
        """
        person = self.get(actor, user_id)
        self._set_role(actor, person, role)

    def take_role_away(self, actor: Actor, user_id: str) -> None:
        """Remove a person from the site; their tokens for it end, their account stays.

        Raises as `change_role`.
        """
        person = self.get(actor, user_id)
        self._set_role(actor, person, None)
        self._store.remove_tokens(person.id, site=actor.site.id)

    def shut_out(self, actor: Actor, user_id: str) -> None:
        """Disable a person: all sessions and tokens end, and the account cannot be signed in to.

        Raise `PersonNotFound`, `NotYourself`, `ManagedElsewhere` or `LastAdministrator`.
        """
        user = self._own(actor, user_id)
        if not self._roles.shut_out(user.id, sites=[*user.roles]):
            raise LastAdministrator
        self._store.remove_tokens(user.id)

    def let_in(self, actor: Actor, user_id: str) -> None:
        """Enable a person again; raises as `shut_out`."""
        self._store.set_disabled(self._own(actor, user_id).id, disabled=False)

    def make_password(self, actor: Actor, user_id: str) -> str:
        """Give a person a generated password and return it; all sessions and tokens end.

        Raise `PersonNotFound`, `NotYourself` (one's own is changed with the old one) or
        `ManagedElsewhere`.
        """
        made = made_password()
        password_hash = self._passwords.hash(made)
        while True:
            user = self._own(actor, user_id)
            # A site that adds them at this very moment must not be opened to `actor`.
            if self._store.set_password(user.id, password_hash, is_own=False, roles=user.roles):
                break
        self._store.remove_tokens(user.id)
        return made

    def reset_second_factor(self, actor: Actor, user_id: str) -> None:
        """Turn off the second factor of a person who has lost it; all sessions end.

        Raise `PersonNotFound`, `NotYourself` or `ManagedElsewhere`.
        """
        while True:
            user = self._own(actor, user_id)
            # A site that adds them at this very moment must not be weakened by `actor`.
            if self._factors.remove_second_factor(user.id, roles=user.roles):
                break

    def send_link(self, actor: Actor, user_id: str) -> None:
        """Send a person a link for choosing a password; until then the old one stays.

        Raises as `make_password`, and `NoMail`.
        """
        self._recovery.write_to(actor.site, self._own(actor, user_id), Why.RESET)

    def _user(self, actor: Actor, user_id: str) -> User:
        user = self._store.user_by_id(user_id)
        if user is None or actor.site.id not in user.roles:
            raise PersonNotFound
        return user

    def _own(self, actor: Actor, user_id: str) -> User:
        """Return another person whose password and access `actor` may decide about."""
        actor.must_have(Role.ADMIN)
        user = self._user(actor, user_id)
        person = _seen_by(actor, user)
        if person.is_oneself:
            raise NotYourself
        if person.managed_elsewhere:
            raise ManagedElsewhere
        return user

    def _set_role(self, actor: Actor, person: Person, role: Role | None) -> None:
        if person.role_is_fixed:
            raise ManagedElsewhere(hint="Ask an operator of the deployment.")
        if not self._roles.change_role(person.id, actor.site.id, role):
            raise LastAdministrator

    def _add_new(self, site: Site, email: str, name: str, role: Role, *, by_mail: bool) -> Added:
        password, now = made_password(), self._now()
        user = User(
            id=new_id(),
            email=email,
            name=name,
            password_hash=self._passwords.hash(password),  # by mail: a random one
            password_is_own=False,
            roles={site.id: role},
            superuser=False,
            disabled=False,
            session_epoch=0,
            token_epoch=0,
            created_at=now,
            changed_at=now,
        )
        self._store.add_user(user)
        if by_mail:
            self._recovery.write_to(site, user, Why.INVITED)
        return Added(user=user, made_password=None if by_mail else password, by_mail=by_mail)

    def _add_known(self, site: Site, user: User, role: Role, *, by_mail: bool) -> Added | None:
        """Give a role to a known person without one here; None when they were changed meanwhile.

        A person without any other role is treated as new: a generated password opens this site
        only, so it may be shown.
        """
        under = user.token_epoch
        if user.password_is_own or user.superuser:  # only a command makes superusers
            if not self._roles.give_role(user.id, site.id, role, under=under):
                return None
            if by_mail:
                self._recovery.write_to(site, user, Why.ADDED)
            return Added(user=user, made_password=None, by_mail=by_mail)
        by_mail = by_mail or bool(user.roles)
        if by_mail and not self._recovery.can_mail:
            raise PasswordNotOwn
        password = made_password()
        hash_ = self._passwords.hash(password)  # by mail: a random one
        if not self._roles.give_role(user.id, site.id, role, under=under, password_hash=hash_):
            return None
        self._store.remove_tokens(user.id)
        if by_mail:
            self._recovery.write_to(site, user, Why.VOIDED)
        return Added(user=user, made_password=None if by_mail else password, by_mail=by_mail)


def _seen_by(actor: Actor, user: User) -> Person:
    is_oneself = user.id == actor.id
    here_alone = set(user.roles) == {actor.site.id} and not user.superuser
    managed_elsewhere = not actor.superuser and not here_alone
    return Person(
        id=user.id,
        email=user.email,
        name="" if managed_elsewhere and not is_oneself else user.name,
        role=user.roles[actor.site.id],
        disabled=user.disabled,
        changed_at=user.changed_at,
        is_oneself=is_oneself,
        role_is_fixed=user.superuser and not actor.superuser,
        managed_elsewhere=managed_elsewhere,
        has_second_factor=user.second_factor is not None,
        by_provider=user.oidc is not None,
    )

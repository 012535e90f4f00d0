"""Imports the users of an earlier application, with their passwords."""

from collections.abc import Mapping

from avenue.errors import required
from avenue.identity import Role
from avenue.migration.adopt import fields as names
from avenue.migration.adopt.context import PERSON, AdoptionContext
from avenue.migration.adopt.errors import PasswordReset, UnreadableRecord
from avenue.migration.adopt.models import Became, Fields, Holds
from avenue.storage.earlier import Record

ROLES: Mapping[str, Role] = {
    "admin": Role.ADMIN,
    "administrator": Role.ADMIN,
    "administrador": Role.ADMIN,
    "superadmin": Role.ADMIN,
    "true": Role.ADMIN,
    "editor": Role.EDITOR,
    "staff": Role.STAFF,
    "manager": Role.STAFF,
    "empleado": Role.STAFF,
    "seller": Role.SELLER,
    "vendor": Role.SELLER,
    "vendedor": Role.SELLER,
    "ops": Role.OPS,
}
"""The roles here by the old ones; other users become clients."""


class AdoptedPeople:
    """Imports users, one record after the other."""

    def __init__(self, context: AdoptionContext) -> None:
        self._context = context

    def bring(self, collection: str, record: Record) -> Became:
        """Import a user who does not exist here; raise `UnreadableRecord` or `InvalidEmail`."""
        own, fields, before = self._context.opened(collection, Holds.PEOPLE, record)
        if before:
            return Became.UNCHANGED  # the password may have been changed here, and the role
        email = required(names.text(fields, own["email"]), UnreadableRecord("email"))
        password = self._password_of(own, record)
        says = names.first(fields, own["active"])
        person, is_new = self._context.people.add_adopted(
            self._context.site,
            email,
            name=names.text(fields, own["name"]) or "",
            role=self._role_of(fields, own["role"]),
            password_hash=password,
            disabled=bool(names.first(fields, own["disabled"])) or says is False,
            created_at=names.moment(names.first(fields, own["created_at"])),
        )
        self._context.places.adopted.put(
            self._context.site,
            self._context.remembered(collection, record, PERSON, own, person, revision=0),
        )
        if is_new and password is None:
            self._context.refuse(collection, record.key, PasswordReset(words={"email": email}))
        return Became.CREATED if is_new else Became.UNCHANGED

    def preview(self, collection: str, record: Record) -> None:
        """Report an unsupported password; raise `UnreadableRecord` or `InvalidEmail`."""
        own = self._context.names(collection, Holds.PEOPLE)
        email = required(names.text(record.fields, own["email"]), UnreadableRecord("email"))
        self._context.people.check(email)
        if self._password_of(own, record) is None:
            self._context.refuse(collection, record.key, PasswordReset(words={"email": email}))

    def _password_of(self, own: names.Names, record: Record) -> str | None:
        """Return the password hash to store, None if its kind is unsupported."""
        stored = names.first(record.fields, own["password"])
        if isinstance(stored, bytes):  # as the library of bcrypt returns it
            stored = stored.decode("ascii", "replace")
        is_known = isinstance(stored, str) and self._context.people.can_check(stored)
        return stored if is_known else None

    def _role_of(self, fields: Fields, own: tuple[str, ...]) -> str:
        said = [str(fields[name]).strip().lower() for name in own if fields.get(name) is not None]
        roles = [self._context.mapped.roles.get(each) or ROLES.get(each) for each in said]
        known = [Role(each) for each in roles if each]
        return known[0].value if known else Role.CLIENT.value

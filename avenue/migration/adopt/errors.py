"""Errors of importing the database of an earlier application.

::

    AvenueError
    ├── Invalid              400
    │   ├── BadMap                the map file is invalid
    │   └── SourceIsHere          it is the database that Avenue runs on
    ├── NotFound             404
    │   └── NothingToAdopt        it has no known collections
    └── Unprocessable        422
        ├── BrokenSource          a record contains no valid file
        ├── LostPicture           a record names a picture that does not exist
        ├── UnreadableRecord      a record lacks required fields
        ├── BadField              a field of a record was left out
        ├── MemberGone            a group names a product that does not exist
        ├── SharedSku             two records share a SKU
        ├── PasswordReset         a password hash of an unsupported kind
        └── ChangedHere           it was changed in Avenue since
"""

from avenue.errors import Invalid, NotFound, Unprocessable


class BadMap(Invalid):
    """The map file is invalid."""

    message = "The map file cannot be used: {reason}."
    hint = "docs/moving.md shows what it can contain."

    def __init__(self, reason: str) -> None:
        super().__init__(words={"reason": reason.rstrip(".")})


class SourceIsHere(Invalid):
    """The earlier application's database is the one that Avenue runs on."""

    message = "That is the database Avenue runs on."
    hint = "Set another database name in MONGODB_URI and leave the old one to --from."


class NothingToAdopt(NotFound):
    """The database contains no known collections."""

    message = "Nothing was recognised in the database {name}: {collections}."
    hint = (
        "Specify in a map file (--map) what its collections contain; docs/moving.md has an example."
    )


class BrokenSource(Unprocessable):
    """A record does not contain a valid file."""

    message = "The record's content cannot be read as a file."
    hint = "Upload the image again; if it can be fixed at its source, run this again."


class LostPicture(Unprocessable):
    """A record refers to a picture that is neither in the database nor in a folder."""

    message = "The image {name} cannot be found."
    hint = "If a copy of the old upload folder exists, specify it with --files and run this again."

    def __init__(self, name: str) -> None:
        super().__init__(words={"name": name})


class UnreadableRecord(Unprocessable):
    """A record lacks required fields."""

    message = "The record has no {field}."
    hint = "Specify in a map file (--map) which of its fields contains it."

    def __init__(self, field: str) -> None:
        super().__init__(words={"field": field})


class BadField(Unprocessable):
    """A field of a record is invalid; the record was imported without it."""

    message = "{field} was skipped: {reason}."
    hint = "Set it in Avenue, or fix it in the earlier application and run this again."

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(words={"field": field, "reason": reason.rstrip(".")})


class MemberGone(Unprocessable):
    """A group refers to a product that does not exist."""

    message = "The group refers to the product {name}, which does not exist."
    hint = "The group was imported with its other products."


class SharedSku(Unprocessable):
    """Two products of the earlier application share a SKU; this one was imported without it."""

    message = "The SKU {sku} also belongs to {other}, so this product was imported without it."
    hint = "Give it its own SKU."


class PasswordReset(Unprocessable):
    """A password hash is of an unsupported kind; the imported person needs a new password."""

    code = "password_needs_reset"
    message = "The password of {email} cannot be used, so a new one must be set."
    hint = "The person uses the link for forgotten passwords, or run: users password EMAIL."


class ChangedHere(Unprocessable):
    """A record changed in the old application, and here too since it was imported."""

    message = "It has since been changed or removed in Avenue, so it was left as it is here."
    hint = "Compare the two, and change by hand what needs changing."

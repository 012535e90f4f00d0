"""View models of uploads."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from avenue.accounts.errors import PersonNotFound
from avenue.accounts.people import PeopleService
from avenue.identity import Actor
from avenue.media.categories import GENERAL
from avenue.media.intake.filetypes import FILE_TYPES
from avenue.media.models import Asset
from avenue.uploads.models import may_change
from avenue.uploads.pages.words import category_name
from avenue.uploads.presenting import upload_json
from avenue.uploads.replies import Upload
from avenue.web.language import gettext as _
from avenue.web.services import using

MOST_PEOPLE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """An upload as the pages show it; `is_own`: the viewer may change it."""

    upload: Asset
    told: Upload
    label: str
    category: str
    owner: str
    is_own: bool


def rows(actor: Actor, uploads: Sequence[Asset]) -> list[Row]:
    """Return the rows that a page shows `actor` for `uploads`."""
    names = _owners(actor, (each.owner for each in uploads))
    return [
        Row(
            upload=each,
            told=upload_json(actor.site, each),
            label=FILE_TYPES[each.current.media_type].label,
            category=category_name(each.category or GENERAL),
            owner=names.get(each.owner or "", _("Someone else")),
            is_own=may_change(actor, each),
        )
        for each in uploads
    ]


def people(actor: Actor) -> list[tuple[str, str]]:
    """Return id and email of people of the site, for its administrators."""
    if not actor.is_admin:
        return []
    found = using(PeopleService).find(actor, search="", limit=MOST_PEOPLE, after=None)
    return [(each.id, each.email) for each in found.items if each.id != actor.id]


def email_of(actor: Actor, person: str) -> str:
    """Return an email that `actor` may see, "" for others."""
    return _owners(actor, [person]).get(person, "")


def _owners(actor: Actor, owners: Iterable[str | None]) -> Mapping[str, str]:
    """Return the displayed owners: a word for oneself, emails of others for administrators."""
    names: dict[str, str] = {}
    for each in set(owners):
        if each is None:
            continue
        if each == actor.id:
            names[each] = _("You")
        elif actor.is_admin:
            with suppress(PersonNotFound):
                names[each] = using(PeopleService).get(actor, each).email
    return names

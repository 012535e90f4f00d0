"""`/admin/problems`: lost and unsafe pictures, and how to fix each."""

from collections.abc import Mapping
from dataclasses import dataclass

from flask import Blueprint, Response, request
from flask_babel import LazyString

from avenue.errors import Invalid
from avenue.health.checks.models import BrokenReference
from avenue.health.models import Verdict
from avenue.health.views.status.models import ProductsStatus
from avenue.health.views.status.problems import ProblemService
from avenue.health.views.status.service import StatusService
from avenue.identity import Actor, Role, is_id
from avenue.jobs.presenting import acts_of
from avenue.media.models import Claim
from avenue.media.references import EPHEMERAL, IMPORT_EXTERNAL, Kind
from avenue.shop.models import GROUP, PRODUCT
from avenue.shop.service.pictures import PictureService
from avenue.web.audit import audited, note_each, nothing_changed
from avenue.web.auth import current_actor, require
from avenue.web.language import lazy_gettext as _
from avenue.web.pages import MOST_SHOWN, Entry, Group, page, see
from avenue.web.parsing import page_asked_for
from avenue.web.services import using

PATH = "/admin/problems"
PLACES = {PRODUCT: "/admin/products", GROUP: "/admin/groups"}
LONGEST_POSITION = 6
NAVIGATION = (
    Entry(
        path=PATH,
        title=_("Problems"),
        icon="problems",
        group=Group.SYSTEM,
        roles=(Role.OPS,),
        count=lambda actor: using(ProblemService).found(actor, MOST_SHOWN),
    ),
)

VERDICTS: Mapping[Verdict, LazyString] = {
    Verdict.OK: _("All photos are OK."),
    Verdict.ATTENTION: _("Nothing is lost, but some photos need your attention."),
    Verdict.AT_RISK: _("Some photos are lost or damaged."),
    Verdict.UNKNOWN: _("Not all photos have been checked yet."),
}
SAID = {
    "removed": _("Entry removed."),
    "mended": _("Already fixed."),
    "looked": _("Everything was checked."),
}

DEAD = frozenset(
    {
        Kind.ASSET_MISSING,
        Kind.ASSET_PURGING,
        Kind.ASSET_IN_TRASH,
        Kind.MALFORMED_ENTRY,
        Kind.NOT_OWNED,
        *EPHEMERAL,
    }
)
"""Entries that can be removed from the list, because no picture of their owner is behind them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """The texts about a kind of problem; `link` leads to the pictures, "" to nothing."""

    what: LazyString
    mend: LazyString
    link: LazyString | str = ""


_LOST = Words(
    what=_("The photo is lost."),
    mend=_("Upload it again if you have it, or remove the entry."),
    link=_("Upload again"),
)
_DAMAGED = Words(
    what=_("The photo is damaged."),
    mend=_("Upload the same file again: that repairs it, and its text and position stay."),
    link=_("Upload the same photo again"),
)
_EPHEMERAL = Words(
    what=_("This photo existed only on one computer's disk."),
    mend=_(
        "If you still have the folder, the server administrator can import all of it with "
        "python -m avenue import. Otherwise upload the photo again and remove this entry."
    ),
    link=_("Upload again"),
)
WORDS: Mapping[Kind, Words] = {
    Kind.ASSET_MISSING: _LOST,
    Kind.ASSET_PURGING: _LOST,
    Kind.ASSET_IN_TRASH: Words(
        what=_("The photo is in the trash but still in the list."),
        mend=_("Restore it, or remove it from the list."),
        link=_("Restore it"),
    ),
    Kind.FILE_MISSING: _DAMAGED,
    Kind.WRONG_LENGTH: _DAMAGED,
    Kind.CHUNK_MISSING: _DAMAGED,
    Kind.CHUNK_DUPLICATE: _DAMAGED,
    Kind.CHUNK_SHORT: _DAMAGED,
    Kind.CHUNK_LONG: _DAMAGED,
    Kind.CHUNK_SURPLUS: _DAMAGED,
    Kind.WRONG_HASH: _DAMAGED,
    Kind.MALFORMED_ENTRY: Words(
        what=_("Another program wrote an entry that is not a photo."),
        mend=_("It shows nothing. Remove it."),
    ),
    Kind.LOCAL_PATH: _EPHEMERAL,
    Kind.LOCALHOST: _EPHEMERAL,
    Kind.ASSET_UNREADABLE: Words(
        what=_("The photo's record cannot be read."),
        mend=_("The server administrator can fix it: python -m avenue fsck names the field."),
    ),
    Kind.MALFORMED_RECORD: Words(
        what=_("Something stored about it is wrong."),
        mend=_("The server administrator can fix it: python -m avenue fsck names the field."),
    ),
    Kind.NOT_OWNED: Words(
        what=_("The photo belongs to something else and can disappear with it."),
        mend=_("Upload it here too, then remove this entry."),
        link=_("Upload again"),
    ),
}
DETAILS: Mapping[Kind, LazyString] = {
    Kind.ASSET_MISSING: _("No file is stored under the ID in this entry."),
    Kind.ASSET_PURGING: _("The photo is being permanently deleted."),
    Kind.ASSET_IN_TRASH: _("The entry points to a photo in the trash."),
    Kind.FILE_MISSING: _("The record exists, but its file does not."),
    Kind.WRONG_LENGTH: _("The file's length differs from its record."),
    Kind.CHUNK_MISSING: _("Part of the file is missing."),
    Kind.CHUNK_DUPLICATE: _("Part of the file is stored twice."),
    Kind.CHUNK_SHORT: _("Part of the file is too short."),
    Kind.CHUNK_LONG: _("Part of the file is too long."),
    Kind.CHUNK_SURPLUS: _("The file has one part too many."),
    Kind.WRONG_HASH: _("The file's bytes differ from those that were stored."),
    Kind.MALFORMED_ENTRY: _("The entry is neither a photo nor an address."),
    Kind.LOCAL_PATH: _("The entry points to a file on a disk."),
    Kind.LOCALHOST: _("The entry points to an address that only one computer can open."),
    Kind.ASSET_UNREADABLE: _("The record of the photo cannot be read."),
    Kind.MALFORMED_RECORD: _("A field of the record is missing or has the wrong type."),
    Kind.NOT_OWNED: _("The record of the photo names another owner."),
}
"""The exact finding, for people who are asked for help."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One line: what is wrong with the picture at `number`, counted from 1."""

    finding: BrokenReference
    words: Words
    detail: LazyString
    number: int
    is_dead: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """A product or group with its problems; `name` is "" if it is gone."""

    path: str
    name: str
    sku: str | None
    problems: tuple[Problem, ...]


blueprint = Blueprint("problem_pages", __name__, url_prefix=PATH, template_folder="../../templates")


@blueprint.get("")
@require(Role.OPS)
def show_problems() -> Response:
    """Show the open findings of the last check, and the progress of a running one."""
    actor, asked = current_actor(), page_asked_for()
    status = using(StatusService).products(
        actor, deep=False, after=asked.after or "", limit=asked.limit
    )
    job = using(ProblemService).look_of(actor, request.args.get("job", ""))
    is_over = job is not None and job.is_finished
    brought = is_over and job is not None and job.kind == IMPORT_EXTERNAL
    return page(
        "health/problems.html",
        state=status,
        verdict=VERDICTS[status.verdict],
        counted_at=status.products.counted_at or status.groups.counted_at,
        owners=_owners(actor, status),
        after=asked.after,
        may_change=actor.has_role(Role.SELLER),
        job=None if is_over else job,
        said=SAID.get("looked" if is_over and not brought else request.args.get("said", "")),
        acts=acts_of(job) if job else (),
        may_bring=actor.has_role(Role.ADMIN),
        brought=job.result if job and brought else None,
    )


@blueprint.post("/look")
@require(Role.OPS)
@audited("inspection.begun")
def look_now() -> Response:
    """Start a complete check, in the background."""
    job = using(ProblemService).look(current_actor())
    note_each("inspection.begun", [job.id])
    return see(f"{PATH}?job={job.id}")


@blueprint.post("/external")
@require(Role.ADMIN)
@audited("external.begun")
def bring_in() -> Response:
    """Start importing pictures on other hosts, in the background."""
    job = using(ProblemService).bring_in(current_actor())
    note_each("external.begun", [job.id])
    return see(f"{PATH}?job={job.id}")


@blueprint.post("/remove")
@require(Role.ADMIN)
@audited("product.image_removed")
def remove_entry() -> Response:
    """Remove an entry that leads to no picture from its list."""
    actor = current_actor()
    claim, position, image = _meant()
    found = using(ProblemService).of(actor, claim.kind, [claim.id]).get(claim.id, ())
    still = [each for each in found if (each.position, each.image) == (position, image)]
    gone = any(each.fault.kind in DEAD for each in still) and using(PictureService).drop_entry(
        actor, claim, position, image
    )
    if not gone:
        nothing_changed()
        return see(f"{PATH}?said=mended")
    note_each(f"{claim.kind}.image_removed", [claim.id])
    return see(f"{PATH}?said=removed")


def _meant() -> tuple[Claim, int, str | None]:
    """Return the owner and entry that a form is about; raise `Invalid`."""
    kind, owner = request.form.get("kind", ""), request.form.get("owner", "")
    position = request.form.get("position", "")
    is_number = position.isascii() and position.isdecimal() and len(position) <= LONGEST_POSITION
    if kind not in PLACES or not is_id(owner) or not is_number:
        raise Invalid("This form names no entry of a product or group.")
    return Claim(kind=kind, id=owner), int(position), request.form.get("image") or None


def _owners(actor: Actor, status: ProductsStatus) -> list[Owner]:
    """Return the findings of this page, grouped by owner, in their order."""
    names = using(ProblemService).names(actor, status.problems)
    by_owner: dict[tuple[str, str], list[BrokenReference]] = {}
    for each in status.problems:
        by_owner.setdefault((each.referrer_kind, each.referrer), []).append(each)
    return [
        Owner(
            path=f"{PLACES[kind]}/{owner}",
            name=names.get((kind, owner), ""),
            sku=found[0].sku,
            problems=tuple(map(_problem, found)),
        )
        for (kind, owner), found in by_owner.items()
    ]


def _problem(finding: BrokenReference) -> Problem:
    kind = finding.fault.kind
    return Problem(
        finding=finding,
        words=WORDS[kind],
        detail=DETAILS[kind],
        number=finding.position + 1,
        is_dead=kind in DEAD,
    )

"""Finds broken links between record, file, chunks, hash, owner and referrers of an asset."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from avenue.clock import iso
from avenue.health.checks.trace.models import (
    Bytes,
    KeptFacts,
    Making,
    Record,
    TracedRendition,
    TracedVersion,
    Use,
)
from avenue.media.models import Asset, Claim, State
from avenue.media.scans import withheld

OWNING_ONE = frozenset({"product", "group", "site"})
"""Kinds of owners that own what they name, and name what they own."""
SHOWN_DIGITS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The data to judge by; `owner_is_there` is None if the owner is not checked."""

    record: Record | None
    versions: Sequence[TracedVersion]
    renditions: Sequence[TracedRendition]
    leftovers: Collection[KeptFacts]
    uses: Sequence[Use] = ()
    old_addresses: Sequence[str] = ()
    owner_is_there: bool | None = None


def broken_links(known: Known) -> Iterator[str]:
    """Yield a line for each broken link, the most visible ones first."""
    if known.record is None:
        yield from _without_record(known)
        return
    asset = known.record.asset
    if asset is None:
        yield f"The record of this asset cannot be read: {known.record.unreadable}."
        return
    yield from _gone_but_named(asset, known.uses)
    if asset.versions and (reason := withheld(asset.current)):
        yield f"Nobody is given it. {reason.message} {reason.hint}"
    yield from _of_files(asset, known.versions)
    if asset.state is State.LIVE:
        yield from _of_claim(asset, known.uses)
        yield from _of_owner(asset.claim, known)
    for each in known.renditions:
        if each.state is Making.DAMAGED:
            yield f"The rendition {each.name} has other bytes than it was made with."


def _without_record(known: Known) -> Iterator[str]:
    for use in known.uses:
        yield f"The {use} names it, but there is no record of it."
    for path in known.old_addresses:
        yield f"The old address {path} leads to it, but there is no record of it."
    for file in dict.fromkeys(each.file for each in known.leftovers):
        yield f"Renditions made of the file {file} are left, but there is no record of it."


def _gone_but_named(asset: Asset, uses: Iterable[Use]) -> Iterator[str]:
    where = {State.TRASH: "in the trash", State.PURGING: "being deleted"}.get(asset.state)
    since = f" since {iso(asset.trashed_at)}" if asset.trashed_at else ""
    if where:
        for use in uses:
            yield f"The {use} names it, but it is {where}{since}."


def _of_files(asset: Asset, versions: Sequence[TracedVersion]) -> Iterator[str]:
    if asset.state is State.PURGING:  # they may be deleted already
        return
    if not versions:
        yield "The record names no file."
    for number, each in enumerate(versions):
        yield from _of_file(asset, each, is_current=number == 0)


def _of_file(asset: Asset, traced: TracedVersion, *, is_current: bool) -> Iterator[str]:
    which = "" if is_current else f" (its older version {traced.version})"
    file = f"The file {traced.file} in {asset.bucket}{which}"
    if traced.fault:
        yield f"{file}: {traced.fault.detail}"
    elif traced.hash is Bytes.WRONG:
        right = traced.sha256[:SHOWN_DIGITS]
        yield f"{file}: its bytes do not have the sha-256 {right}… any more."


def _of_claim(asset: Asset, uses: Iterable[Use]) -> Iterator[str]:
    for use in uses:
        if asset.claim is None:
            until = f" and it goes after {iso(asset.expires_at)}" if asset.expires_at else ""
            yield f"The {use} names it, but nobody owns it{until}."
        elif use.kind in {"product", "group"} and asset.claim != use.claim:
            yield f"The {use} names it, but the claim is of {_owner(asset.claim)}."


def _of_owner(claim: Claim | None, known: Known) -> Iterator[str]:
    if claim is None or claim.kind not in OWNING_ONE:
        return
    if known.owner_is_there is False:
        yield f"The claim is of {_owner(claim)}, which is not there."
    elif claim not in [_named_by(use) for use in known.uses]:
        yield f"The claim is of {_owner(claim)}, which does not name it."


def _named_by(use: Use) -> Claim:
    """Return the claim of `use` if it owned what it names: a logo belongs to its site."""
    return Claim(kind="site", id=use.id) if use.kind == "logo" else use.claim


def _owner(claim: Claim) -> str:
    return f"{claim.kind} {claim.id}"

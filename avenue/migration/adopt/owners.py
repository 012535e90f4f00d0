"""Imports products and groups of an earlier application with their pictures, in order."""

import hashlib
import json
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

from avenue.bodies import LONGEST_NAME
from avenue.errors import AvenueError, Conflict, Unavailable
from avenue.media.intake.models import Refusal, UploadRequest, UploadResult
from avenue.media.intake.spool import SpooledFile, spooled
from avenue.media.models import Asset, Claim, External
from avenue.migration.adopt import fields as names
from avenue.migration.adopt.context import GROUP, PERSON, AdoptionContext
from avenue.migration.adopt.errors import BadField, ChangedHere, LostPicture, MemberGone, SharedSku
from avenue.migration.adopt.models import Adopted, Became, Fields, Holds
from avenue.migration.adopt.pictures import Found, print_of
from avenue.storage.earlier import Record

MOST_PICTURES = 100
"""The most pictures of a product or group: as many as a page can show."""
LEFT_OUT = {"sku_taken": "sku", "group_not_found": "group"}
"""Errors after which a record is imported without the field."""
LONGEST_TOLD = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A picture of a record: its hash, its bytes in a file if it has to be stored, or a URL."""

    found: Found
    sha256: str = ""
    spooled: SpooledFile | None = None
    url: str | None = None
    is_refused: bool = False


class AdoptedOwners:
    """Imports products and groups, each on its own; many at once."""

    def __init__(self, context: AdoptionContext) -> None:
        self._context = context

    def preview(self, holds: Holds, collection: str, record: Record) -> None:
        """Count the pictures of a product or group, and raise why it would be refused."""
        self._note_gone(holds, collection, record)
        fields = self._fields_of(collection, holds, record)
        self._checked(holds.removesuffix("s"), collection, record.key, fields)
        for each in self._found(collection, holds, record):
            if not each.is_lost:
                self._context.count("elsewhere" if each.url else "stored")

    def bring(self, holds: Holds, collection: str, record: Record) -> Became:
        """Import a product or group; raise `ChangedHere`, or why it is refused."""
        self._note_gone(holds, collection, record)
        kind = holds.removesuffix("s")
        own, _, before = self._context.opened(collection, holds, record)
        fields = self._checked(
            kind, collection, record.key, self._fields_of(collection, holds, record)
        )
        lost: list[LostPicture] = []
        found = self._found(collection, holds, record, lost)
        with ExitStack() as spools:
            # Of an existing record only the hash is needed at first.
            first = None if before else spools
            pieces = [self._piece(collection, record, each, first) for each in found]
            mark = mark_of(fields, pieces)
            is_whole = not lost and not any(each.is_refused for each in pieces)
            if before and before.is_whole and is_whole and before.print == mark:
                self._count_present(pieces)
                return Became.UNCHANGED
            if before:
                pieces = [self._piece(collection, record, each, spools) for each in found]
            target = self._context.id_of(kind, collection, record.key)
            remembered = replace(
                self._context.remembered(collection, record, kind, own, target),
                print=mark,
                is_whole=is_whole,
            )
            return self._put(kind, fields, pieces, before, remembered)

    def _note_gone(self, holds: Holds, collection: str, record: Record) -> None:
        """Report the members of a group that do not exist."""
        own = self._context.names(collection, holds)
        for keys in names.members(names.first(record.fields, own.get("members", ()))):
            if not self._context.inventory.is_seen(keys):
                self._context.refuse(collection, record.key, MemberGone(words={"name": keys[0]}))

    def _put(
        self,
        kind: str,
        fields: Fields,
        pieces: Sequence[Piece],
        before: Adopted | None,
        remembered: Adopted,
    ) -> Became:
        """Store the pictures and the record as in the earlier application."""
        claim = Claim(kind=kind, id=remembered.target)
        theirs = (
            self._context.places.library.claimed_by(self._context.actor, claim) if before else []
        )
        once = {each.sha256: each.spooled for each in pieces if each.spooled is not None}
        incoming = list(once.values())
        order = UploadRequest(
            policy=self._context.policies.products,
            target=f"adopt/{claim.kind}/{claim.id}",
            key=None,
            known={each.current.source_sha256: each for each in theirs},
            room=MOST_PICTURES,
            no_room=Conflict(),
        )
        with self._context.places.library.receiving(
            self._context.actor, order, incoming
        ) as upload_result:
            images, is_whole = self._images(pieces, incoming, upload_result, remembered)
            remembered = replace(remembered, is_whole=remembered.is_whole and is_whole)
            if before and before.print == remembered.print and not upload_result.new:
                return Became.UNCHANGED  # what was refused before is refused again
            is_there = self._catalogued(claim, fields, images, upload_result, before, remembered)
        if not is_there:
            raise ChangedHere
        return Became.UPDATED if before else Became.CREATED

    def _catalogued(
        self,
        claim: Claim,
        fields: Fields,
        images: Sequence[Asset | External],
        upload_result: UploadResult,
        before: Adopted | None,
        remembered: Adopted,
    ) -> bool:
        def put(wanted: Fields) -> bool:
            return self._context.places.catalogue.put(
                self._context.actor,
                claim,
                wanted,
                images,
                upload_result,
                seen=before.revision if before else None,
                note=lambda session, revision: self._context.places.adopted.put(
                    self._context.site, replace(remembered, revision=revision), session
                ),
            )

        for _ in LEFT_OUT:
            try:
                return put(fields)
            except AvenueError as error:
                gone = LEFT_OUT.get(error.code)
                if gone is None or gone not in fields:
                    raise
                self._context.refuse(remembered.collection, remembered.key, error)
                fields = {name: value for name, value in fields.items() if name != gone}
        return put(fields)

    def _images(
        self,
        pieces: Sequence[Piece],
        incoming: Sequence[SpooledFile],
        upload_result: UploadResult,
        remembered: Adopted,
    ) -> tuple[list[Asset | External], bool]:
        """Return the distinct outcomes of the pictures, in order; report the refused ones."""
        outcomes = dict(
            zip((each.sha256 for each in incoming), upload_result.received, strict=True)
        )
        images: dict[str, Asset | External] = {}
        is_whole = True
        for each in pieces:
            if each.url is not None:
                images.setdefault(each.url, External(url=each.url))
                if not each.found.is_lost:
                    self._context.count("elsewhere")
                continue
            outcome = outcomes.get(each.sha256)
            if isinstance(outcome, Refusal):
                self._context.refuse(remembered.collection, remembered.key, outcome)
                self._context.count("refused")
                is_whole = False
            elif outcome is not None:
                is_new = any(outcome.id == new.id for new in upload_result.new)
                self._context.count("stored" if is_new else "present")
                images.setdefault(outcome.id, outcome)
                self._context.settle(each.found, outcome)
        return list(images.values()), is_whole

    def _found(
        self,
        collection: str,
        holds: Holds,
        record: Record,
        lost: list[LostPicture] | None = None,
    ) -> list[Found]:
        """Return the distinct pictures of a record in their order; report the lost ones."""
        ordered = _cover_first(self._named(collection, holds, record, lost))
        for found in ordered:
            if found.picture is not None:
                self._context.inventory.use(found.picture)
        if len(ordered) > MOST_PICTURES:
            reason = f"only the first {MOST_PICTURES} of {len(ordered)} are taken."
            self._context.refuse(collection, record.key, BadField("images", reason))
        return ordered[:MOST_PICTURES]

    def _named(
        self, collection: str, holds: Holds, record: Record, lost: list[LostPicture] | None
    ) -> list[tuple[bool, Found]]:
        """Return the pictures a record names, and those that name it; whether a field for one."""
        own = self._context.names(collection, holds)
        named: list[tuple[bool, Found]] = []
        for each in names.pictures(record.fields, own["images"]):
            try:
                named.append((each.is_single, self._context.pictures.find(each)))
            except LostPicture as error:
                self._context.refuse(collection, record.key, error)
                self._context.count("lost")
                if lost is not None:
                    lost.append(error)
                if address := _address(each.texts):
                    found = Found(name="", url=address, is_lost=True)
                    named.append((each.is_single, found))
        if holds is Holds.PRODUCTS:
            keys = [record.key, *names.keys_of(record.fields, own["id"])]
            theirs = self._context.inventory.pictures_of(list(dict.fromkeys(keys)))
            known = {_identity(found) for _, found in named}
            more = [self._context.pictures.of(each) for each in theirs]
            named += [(False, each) for each in more if _identity(each) not in known]
        return named

    def _piece(
        self, collection: str, record: Record, found: Found, spools: ExitStack | None
    ) -> Piece:
        """Read a picture; into a file if it has to be stored. Unreadable ones are reported."""
        if found.url is not None:
            return Piece(found=found, url=found.url)
        try:
            data = self._context.pictures.load(found)
        except Unavailable:
            raise
        except AvenueError as error:
            if spools is not None:
                self._context.refuse(collection, record.key, error)
                self._context.count("refused")
            return Piece(found=found, is_refused=True)
        sha256 = print_of(data)
        if spools is None:
            return Piece(found=found, sha256=sha256)
        name = found.name or names.text(record.fields, ("name", "nombre", "title")) or "picture"
        file = spools.enter_context(spooled(name, [data], self._context.tmp_dir))
        return Piece(found=found, sha256=sha256, spooled=file)

    def _count_present(self, pieces: Sequence[Piece]) -> None:
        for each in pieces:
            if not each.found.is_lost:
                self._context.count("elsewhere" if each.url else "present")

    def _fields_of(self, collection: str, holds: Holds, record: Record) -> dict[str, Any]:
        """Return the fields of a product or group from its old record."""
        own, fields = self._context.names(collection, holds), record.fields
        said: dict[str, Any] = {
            "name": names.text(fields, own["name"])
            or names.text(fields, own.get("sku") or own["model"])
            or record.key,
            "owner": self._owner_of(fields, own["owner"]),
        }
        if holds is Holds.GROUPS:
            return {**said, "model": names.text(fields, own["model"])}
        keys = [record.key, *names.keys_of(fields, own["id"])]
        return {
            **said,
            "sku": names.text(fields, own["sku"]),
            "description": names.text(fields, own["description"]),
            "price": names.first(fields, own["price"]),
            "currency": names.text(fields, own["currency"]),
            "status": "published"
            if names.is_published(names.first(fields, own["status"]))
            else "draft",
            "group": self._context.inventory.group_of(keys)
            or self._group_named(names.text(fields, own["group"])),
        }

    def _group_named(self, key: str | None) -> str | None:
        if key is None:
            return None
        return self._context.places.adopted.target_of(self._context.site, GROUP, key)

    def _owner_of(self, fields: Fields, own: tuple[str, ...]) -> str | None:
        key = names.text(fields, own)
        return (
            self._context.places.adopted.target_of(self._context.site, PERSON, key) if key else None
        )

    def _checked(self, kind: str, collection: str, key: str, fields: dict[str, Any]) -> Fields:
        """Return the valid fields; each invalid one is reported and left out."""
        try:
            fields["price"] = names.price(fields.get("price"))
        except ValueError:
            shown = str(fields.pop("price"))[:LONGEST_TOLD]
            self._context.refuse(collection, key, BadField("price", f"{shown} is no number."))
        fields["name"] = str(fields["name"])[:LONGEST_NAME].strip() or kind
        sku = fields.get("sku")
        first = self._context.inventory.owner_of_sku(sku) if sku else None
        if first not in {None, f"{collection} {key}"}:
            shared = SharedSku(words={"sku": fields.pop("sku"), "other": first})
            self._context.refuse(collection, key, shared)
        kept, refused = self._context.places.catalogue.checked(kind, fields)
        for name, reason in refused:
            self._context.refuse(collection, key, BadField(name, reason))
        return {"name": kind, **kept}


def _cover_first(named: Sequence[tuple[bool, Found]]) -> list[Found]:
    """Return distinct pictures in order; a single one that no list has is the cover."""
    listed = {_identity(found): found for is_single, found in named[::-1] if not is_single}
    ordered: dict[str, Found] = {}
    for is_single, found in sorted(named, key=lambda each: not each[0]):
        if not is_single or _identity(found) not in listed:
            ordered.setdefault(_identity(found), found)
    return list(ordered.values())


def _address(texts: Sequence[str]) -> str | None:
    """Return the one of these names that is a URL worth storing."""
    return next((each for each in texts if each.startswith(("/", "http://", "https://"))), None)


def _identity(found: Found) -> str:
    """Return the identity of a picture: equal for two names of the same one."""
    if found.picture is not None:
        return f"{found.picture.number}"
    if found.file is not None:
        return f"file {found.file!r}"
    return f"url {found.url}" if found.url is not None else f"inline {id(found.inline)}"


def mark_of(fields: Fields, pieces: Sequence[Piece]) -> str:
    """Return a hash of the content of a record and its pictures."""
    shown = [each.url or each.sha256 for each in pieces]
    alts = [dict(each.found.alt) for each in pieces]
    # Without alternative texts the hash is the same as before they were supported.
    told = [dict(fields), shown, alts] if any(alts) else [dict(fields), shown]
    said = json.dumps(told, sort_keys=True, default=str)
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()

"""Imports the groups and products of an export, which name their pictures below `WAITING`."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from avenue.errors import filled
from avenue.export.importing.lines import GroupLine, ProductLine
from avenue.export.importing.source import WAITING, Origin
from avenue.field_problems import problems_of
from avenue.identity import Actor
from avenue.media.intake.models import UploadResult
from avenue.media.models import Claim, External
from avenue.migration.adopt.errors import BadField
from avenue.migration.adopt.models import Became
from avenue.shop.errors import GroupNotFound
from avenue.shop.fields import ImageUrl
from avenue.shop.models import GROUP, PRODUCT, Option
from avenue.shop.store.external_pictures import ExternalPictures
from avenue.shop.store.moving import MovedStore

IMAGE_URL: TypeAdapter[str] = TypeAdapter(ImageUrl)
LONGEST_TOLD = 200


class CatalogueImport:
    """The groups and products of an export; their files are imported afterwards."""

    def __init__(
        self,
        actor: Actor,
        origin: Origin,
        catalogue: MovedStore,
        owners: ExternalPictures,
    ) -> None:
        self._actor = actor
        self._origin = origin
        self._catalogue = catalogue
        self._owners = owners

    def bring_group(self, line: GroupLine) -> Became:
        """Import a group."""
        options = tuple(
            Option(name=each.name, images=tuple(map(self._key_of, each.images)))
            for each in line.options
        )
        fields = {
            "name": line.name,
            "model": line.model,
            "options": options,
            "created_at": line.created_at,
        }
        return self._put(GROUP, line, fields)

    def bring_product(self, line: ProductLine) -> Became:
        """Import a product; without its group if that was refused."""
        fields = line.model_dump(exclude={"id", "images", "group"}, exclude_none=True)
        if line.group is None:
            return self._put(PRODUCT, line, fields)
        try:
            return self._put(
                PRODUCT, line, {**fields, "group": self._origin.id_of(GROUP, line.group)}
            )
        except GroupNotFound as error:
            self._origin.refuse(f"group of {PRODUCT} {line.id}", error)
            return self._put(PRODUCT, line, fields)

    def _put(self, kind: str, line: GroupLine | ProductLine, fields: Mapping[str, Any]) -> Became:
        """Store a product or group, with placeholders for its pictures."""
        own_id = self._origin.id_of(kind, line.id)
        images = list(self._images(kind, line))
        is_new = self._catalogue.put(
            self._actor,
            Claim(kind=kind, id=own_id),
            fields,
            images,
            UploadResult(received=[]),
            seen=None,
            note=lambda session, revision: self._origin.store(
                self._origin.remembered(kind, line.id, own_id, revision), session
            ),
        )
        return Became.CREATED if is_new else Became.UNCHANGED

    def _images(self, kind: str, line: GroupLine | ProductLine) -> Iterator[External]:
        """Yield the pictures of a product; an invalid URL is reported and left out."""
        for each in line.images:
            if each.asset:
                if self._origin.tables.has_file(each.asset):
                    yield External(url=self._key_of(each.asset))
            elif each.url:
                try:
                    yield External(url=IMAGE_URL.validate_python(each.url))
                except ValidationError as error:
                    _, problem, words = problems_of(error)[0]
                    what = f"{kind} {line.id} {each.url[:LONGEST_TOLD]}"
                    self._origin.refuse(what, BadField("images", filled(problem, words)))

    def _key_of(self, key: str) -> str:
        """Return the placeholder key of a picture until it is imported: its id in the export."""
        return WAITING + key if self._origin.tables.has_file(key) else key

    def note_waiting(self) -> None:
        """Record which pictures products and groups wait for."""
        last: Claim | None = None
        while found := self._owners.external_after(self._origin.site.id, last):
            for claim, url in found:
                if url.startswith(WAITING):
                    self._origin.tables.wait(claim.id, url)
            last = found[-1][0]

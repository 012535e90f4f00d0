"""Imports pictures and files of an earlier database that no record names."""

from collections.abc import Iterator
from dataclasses import replace

from avenue.media.models import Claim
from avenue.migration.adopt.context import FILE, AdoptionContext
from avenue.migration.adopt.inventory import Picture
from avenue.migration.adopt.models import Became, Holds, Recognised
from avenue.migration.adopt.pictures import print_of
from avenue.storage.earlier import Record


class Unnamed:
    """Stores files for administrators only, and other pictures so that their address still works.

    Temporary ones, whose product was never saved, are not imported.
    """

    def __init__(self, context: AdoptionContext) -> None:
        self._context = context
        self._holds: dict[str, Holds] = {}

    def records(self, recognised: list[Recognised]) -> Iterator[tuple[Record, str]]:
        """Yield what is to be imported, and count what is not."""
        self._holds = {each.name: each.holds for each in recognised}
        for each in self._context.inventory.unused():
            if self._holds[each.collection] is Holds.TEMPORARY:
                self._context.counts["pictures"]["temporary_left"] += 1
                continue
            yield (
                Record(handle=each.handle, key=each.key, fields={"picture": each}),
                each.collection,
            )

    def preview(self, collection: str, record: Record) -> None:
        """Do nothing: whether a file is accepted is only known when it is read."""

    def bring(self, collection: str, record: Record) -> Became:
        """Import one of them; raise why it is refused."""
        picture: Picture = record.fields["picture"]
        before = self._context.places.adopted.get(self._context.site, collection, record.key)
        found = self._context.pictures.of(picture)
        is_file = self._holds[collection] is Holds.FILES
        policy = self._context.policies.files if is_file else self._context.policies.products
        data = self._context.pictures.load(found)
        if before and before.print == print_of(data):
            return Became.UNCHANGED
        claim = Claim(kind="legacy", id=self._context.site)
        asset = self._context.kept(found, policy, None if is_file else claim, data)
        remembered = self._context.remembered(collection, record, FILE, {"id": ()}, asset.id)
        self._context.places.adopted.put(
            self._context.site, replace(remembered, print=print_of(data))
        )
        return Became.CREATED

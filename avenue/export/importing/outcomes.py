"""The stored outcomes of the records of an export: what an earlier run has imported."""

from avenue.export.importing.source import Origin
from avenue.migration.adopt.models import Adopted
from avenue.migration.adopt.store import AdoptedStore
from avenue.storage.collection import Session


class Outcomes:
    """What was imported from one export into its site."""

    def __init__(self, origin: Origin, adopted: AdoptedStore) -> None:
        self._origin = origin
        self._adopted = adopted

    def before(self, key: str) -> Adopted | None:
        """Return the stored outcome of a record, by `key_of` or the id of a file."""
        return self._adopted.get(self._origin.site.id, self._origin.name, key)

    def store(self, outcome: Adopted, session: Session | None = None) -> None:
        """Store an outcome, in that transaction if one is given."""
        self._adopted.put(self._origin.site.id, outcome, session)

    def remembered(self, kind: str, own_id: str, target: str, revision: int) -> Adopted:
        """Return the outcome of an imported record, to be stored."""
        return Adopted(
            collection=self._origin.name,
            key=key_of(kind, own_id),
            kind=kind,
            keys=(own_id,),
            target=target,
            print="",
            revision=revision,
            is_whole=True,
        )


def key_of(kind: str, own_id: str) -> str:
    """Return the key of a record's outcome; that of a file is its id alone."""
    return f"{kind} {own_id}"

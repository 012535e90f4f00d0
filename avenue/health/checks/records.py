"""Finds stored records that are malformed."""

from collections.abc import Iterable, Mapping, Sequence

from avenue.health.checks.models import OF_A_RECORD, BrokenReference, records_of
from avenue.health.checks.store.inspections import InspectionStore
from avenue.media.references import Fault, Kind, Referrers
from avenue.storage.records import Malformed
from avenue.storage.site_data import SITE_COLLECTIONS

JUDGED = tuple(sorted(SITE_COLLECTIONS))
"""The collections of a site, in the order in which they are checked."""
AT_ONCE = 500


class RecordInspector:
    """Checks each record of a site by the shape of its collection."""

    def __init__(self, store: InspectionStore, referrers: Iterable[Referrers]) -> None:
        self._store = store
        self._kinds: Mapping[str, str] = {each.collection: each.kind for each in referrers}

    def judge(self, collection: str, last: str, limit: int) -> str | None:
        """Check records of all sites behind the id `last`, and store the findings.

        Return the place to continue, None at the end.
        """
        end, found = self._store.malformed_after(collection, last, limit)
        for site_id in {each.site for each in found if each.site}:
            mine = [self._finding(each) for each in found if each.site == site_id]
            self._store.keep(site_id, mine)
        return end

    def forget_mended(self, site_id: str) -> None:
        """Delete the findings about records that are valid by now."""
        place = ""
        while found := self._store.record_findings_after(site_id, place, AT_ONCE):
            self.look_again(site_id, found)
            place = found[-1].place

    def look_again(self, site_id: str, findings: Sequence[BrokenReference]) -> None:
        """Check the records of `findings` again."""
        for each in findings:
            if each.collection not in SITE_COLLECTIONS:
                continue
            found = self._store.malformed(site_id, each.collection, each.referrer)
            now = [self._finding(found)] if found else []
            if now != [each]:
                self._store.record_of(site_id, records_of(each.collection), each.referrer, now)

    def _finding(self, malformed: Malformed) -> BrokenReference:
        return BrokenReference(
            referrer_kind=self._kinds.get(malformed.collection, malformed.collection),
            referrer=malformed.id,
            sku=None,
            position=OF_A_RECORD,
            image=None,
            fault=Fault(Kind.MALFORMED_RECORD, malformed.detail),
            collection=malformed.collection,
        )

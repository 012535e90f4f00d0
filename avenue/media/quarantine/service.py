"""Lists and releases files in quarantine."""

from dataclasses import replace

from avenue.clock import utc_now
from avenue.cursors import ListPage
from avenue.errors import Conflict, NotFound, required
from avenue.identity import Actor, Role, is_id
from avenue.media.models import DUE, Asset, Scan, ScanState, Version
from avenue.media.quarantine.errors import NotInQuarantine
from avenue.media.quarantine.store import QuarantineStore


class QuarantineService:
    """The files in quarantine of a site, for its administrators."""

    def __init__(self, store: QuarantineStore) -> None:
        self._store = store

    def find(self, actor: Actor, *, after: str, limit: int) -> ListPage[Asset, str]:
        """Return a page of them; raise `Forbidden`."""
        actor.must_have(Role.ADMIN)
        found = self._store.find(actor.site.id, after=after, limit=limit + 1)
        total = self._store.count(actor.site.id)
        return ListPage.of(found, limit, lambda last: last.id, total=total)

    def count(self, actor: Actor, most: int) -> int | None:
        """Return their number, None above `most`; raise `Forbidden`."""
        actor.must_have(Role.ADMIN)
        return self._store.count(actor.site.id, most)

    def release(self, actor: Actor, asset_id: str, reason: str) -> Asset:
        """Release a file, and return it; `reason` is stored with it.

        All of its versions in quarantine are released. Raise `Forbidden`, `NotFound` or
        `NotInQuarantine`.
        """
        actor.must_have(Role.ADMIN)
        asset = required(
            self._store.get(actor.site.id, asset_id) if is_id(asset_id) else None, NotFound
        )
        held = [each for each in asset.versions if is_held(each)]
        if not held:
            raise NotInQuarantine
        for version in held:
            released = required(
                self._store.note(asset, version, _released(version, actor, reason)), Conflict
            )
            asset = released
        return asset


def is_held(version: Version) -> bool:
    """Return whether a version is in quarantine."""
    return version.scan is not None and version.scan.state is ScanState.QUARANTINED


def _released(version: Version, actor: Actor, reason: str) -> Scan:
    before = version.scan or Scan(state=DUE[0], at=utc_now())
    return replace(before, state=ScanState.RELEASED, at=utc_now(), by=actor.id, reason=reason)

"""Restores a snapshot into empty databases: each site to a cluster."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NoReturn

from avenue.backup.errors import BackupDamaged, ClusterMissing
from avenue.backup.models import (
    CollectionCopy,
    Finding,
    Kind,
    Manifest,
    Progress,
    Share,
    Tell,
    ignore_progress,
)
from avenue.backup.repository import SHA256, Repository
from avenue.backup.targets import Missing
from avenue.backup.verify import NOT_DECRYPTED, Verification, pieces_of
from avenue.identity import DEFAULT_SITE, HOME_CLUSTER
from avenue.sites.errors import FirstSiteStays
from avenue.storage.connection import Database
from avenue.storage.copying.reading import bucket_of
from avenue.storage.copying.renaming import Renaming, Wanted
from avenue.storage.copying.writing import (
    NOT_RESTORED,
    Destination,
    Destinations,
    FileToPut,
    NotThoseBytes,
)
from avenue.storage.schema import STEPS, NewerDatabase
from avenue.storage.sites import UnknownSite


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """The result of a restore: `clusters` are those of the sites, by their new ids.

    Files in `findings` have their records, and no bytes.
    """

    snapshot: str
    records: int
    files: int
    clusters: Mapping[str, str]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Portion:
    """The part of a share for one destination."""

    share: Share
    cluster: str
    wanted: Wanted


class Restoration:
    """Writes a snapshot of a repository into the empty databases of an installation.

    Running it again continues.
    """

    def __init__(
        self, repository: Repository, home: Database, tell: Tell = ignore_progress
    ) -> None:
        self._repository = repository
        self._home = home
        self._tell = tell
        self._findings: list[Finding] = []

    def run(self, manifest: Manifest, renaming: Renaming, *, keeps_tokens: bool) -> Restored:
        """Write all of it, each site to its old cluster unless `renaming` names another.

        Nothing is written unless all records are readable. Raise `BackupDamaged`, `NewerDatabase`,
        `UnknownSite`, `ClusterMissing`, `FirstSiteStays`, `NotEmpty`, `Unavailable`.
        """
        if manifest.schema > len(STEPS):
            raise NewerDatabase
        places = self._places(manifest, renaming)
        if damaged := Verification(self._repository).parts_of(manifest):
            raise BackupDamaged(what=damaged[0].what)
        renaming = replace(renaming, clusters=tuple(sorted(places.items())))
        to = Destinations(self._home, renaming)
        to.begin(
            {
                "repository": self._repository.id,
                "snapshot": manifest.id,
                "site": renaming.site,
                "becomes": renaming.becomes,
                "hosts": [list(each) for each in renaming.hosts],
                "clusters": [list(each) for each in renaming.clusters],
                "keeps_tokens": keeps_tokens,
            }
        )
        portions = [
            each for share in manifest.shares for each in self._portions(share, renaming, places)
        ]
        files = sum(self._put_files(manifest, each, to[each.cluster]) for each in portions)
        records = sum(self._put_records(manifest, each, to[each.cluster]) for each in portions)
        foreign = {share.name: self._metadata(manifest, share) for share in manifest.shares}
        to.finish(manifest.taken_at, manifest.schema, foreign, keeps_tokens=keeps_tokens)
        return Restored(
            snapshot=manifest.id,
            records=records,
            files=files,
            clusters={
                renaming.new_id or site_id: cluster for site_id, cluster in sorted(places.items())
            },
            findings=tuple(self._findings),
        )

    def _places(self, manifest: Manifest, renaming: Renaming) -> dict[str, str]:
        """Return the cluster of each restored site."""
        were = {site_id: share.name for share in manifest.shares for site_id in share.sites}
        asked = {renaming.site} - {None} | dict(renaming.clusters).keys()
        if lacking := sorted(str(each) for each in asked if each not in were):
            raise UnknownSite(site=lacking[0])
        places = {**were, **dict(renaming.clusters)}
        if renaming.site is not None:
            places = {renaming.site: places[renaming.site]}
        there = {HOME_CLUSTER, *self._home.clusters}
        lacking = sorted(each for each, cluster in places.items() if cluster not in there)
        if lacking:
            raise ClusterMissing(cluster=places[lacking[0]], sites=", ".join(lacking))
        for site_id, cluster in places.items():
            if (renaming.new_id or site_id) == DEFAULT_SITE and cluster != HOME_CLUSTER:
                raise FirstSiteStays
        return places

    def _portions(
        self, share: Share, renaming: Renaming, places: Mapping[str, str]
    ) -> Iterator[_Portion]:
        """Yield the portions of a share: all to its own cluster, except some sites."""
        there = {site_id: places[site_id] for site_id in share.sites if site_id in places}
        has_own = share.name in {HOME_CLUSTER, *self._home.clusters}
        if has_own and (there or renaming.site is None or share.name == HOME_CLUSTER):
            away = frozenset(each for each, cluster in there.items() if cluster != share.name)
            yield _Portion(share=share, cluster=share.name, wanted=Wanted(sites=away))
        for cluster in sorted(set(there.values()) - {share.name}):
            own = frozenset(each for each in there if there[each] == cluster)
            yield _Portion(share=share, cluster=cluster, wanted=Wanted(sites=own, but=False))

    def _put_files(self, manifest: Manifest, portion: _Portion, to: Destination) -> int:
        share = portion.share
        hashed = {(each.bucket, each.file): each.sha256 for each in share.hashed}
        total = sum(each.count for each in share.collections if bucket_of(each.name))
        done = 0
        for each in share.collections:
            if (bucket := bucket_of(each.name)) is None:
                continue
            with self._repository.reading(manifest.id, each.records) as records:
                for documents in to.files_in(bucket, records, portion.wanted):
                    files = (self._file(bucket, old, new, hashed) for old, new in documents)
                    to.put_files(bucket, files)
                    done += len(documents)
                    self._tell(Progress(phase="files", done=done, total=total))
        return done

    def _file(
        self,
        bucket: str,
        document: dict[str, object],
        renamed: dict[str, object],
        hashed: Mapping[tuple[str, str], str],
    ) -> FileToPut:
        file_id, metadata = str(document["_id"]), document.get("metadata")
        told = metadata.get("sha256") if isinstance(metadata, dict) else None
        sha256 = told if isinstance(told, str) and SHA256.fullmatch(told) else None
        sha256 = sha256 or hashed.get((bucket, file_id), "")
        what, length = f"{bucket}/{file_id}", document.get("length")
        return FileToPut(document=renamed, pieces=lambda: self._bytes_of(what, sha256, length))

    def _bytes_of(self, what: str, sha256: str, length: object) -> Iterator[bytes]:
        digest, size = hashlib.sha256(), 0
        try:
            with self._repository.open_object(sha256) as stored:
                for piece in pieces_of(stored):
                    digest.update(piece)
                    size += len(piece)
                    yield piece
        except Missing:
            self._record_and_raise(Kind.MISSING, what, "The backup does not have its bytes.")
        except BackupDamaged:
            self._record_and_raise(Kind.UNREADABLE, what, NOT_DECRYPTED)
        if digest.hexdigest() != sha256 or size != length:
            self._record_and_raise(Kind.WRONG_HASH, what, "The backup has other bytes.")

    def _record_and_raise(self, kind: Kind, what: str, detail: str) -> NoReturn:
        self._findings.append(Finding(kind=kind, what=what, detail=detail))
        raise NotThoseBytes

    def _put_records(self, manifest: Manifest, portion: _Portion, to: Destination) -> int:
        written = 0
        for each in portion.share.collections:
            is_of_files = bucket_of(each.name) is not None
            if is_of_files or each.name in NOT_RESTORED or not portion.wanted.wants(each.name):
                continue
            done = 0
            with self._repository.reading(manifest.id, each.records) as records:
                for done in to.put_records(each.name, records, portion.wanted):
                    phase = f"records of {each.name}"
                    self._tell(Progress(phase=phase, done=done, total=each.count))
            written += done
        return written

    def _metadata(self, manifest: Manifest, share: Share) -> dict[str, bytes]:
        return {each.name: self._metadata_of(manifest, each) for each in share.collections}

    def _metadata_of(self, manifest: Manifest, copy: CollectionCopy) -> bytes:
        with self._repository.reading(manifest.id, copy.metadata) as stored:
            return stored.read()

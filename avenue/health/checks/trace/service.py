"""Traces one asset through all stored data."""

import hashlib
import re
import time
from collections.abc import Iterator
from dataclasses import fields, replace

from avenue.clock import utc_now
from avenue.config import Settings
from avenue.errors import NotFound, required
from avenue.health.checks.bytes import fault_of
from avenue.health.checks.models import Damage, StoredVersion
from avenue.health.checks.trace.links import Known, broken_links
from avenue.health.checks.trace.models import (
    Answer,
    Bytes,
    KeptFacts,
    Making,
    Rights,
    Trace,
    TracedAsset,
    TracedRendition,
    TracedVersion,
    Uses,
)
from avenue.health.checks.trace.store import TraceStore
from avenue.identity import Actor, Role, Site, is_id
from avenue.media.access import filed_in
from avenue.media.addresses import targets_of
from avenue.media.categories import Category
from avenue.media.models import Asset, State, Version, Visibility
from avenue.media.old_urls import legacy_path
from avenue.media.pictures.variants import ORIGINAL, VARIANTS, extensions, own_rows
from avenue.media.renditions.models import RenditionKey
from avenue.media.serving.delivery import IMMUTABLE, SHORT, Freshness, freshness_of
from avenue.media.store.legacy_urls import LegacyUrls
from avenue.media.urls import asset_in, original_path, original_token, variant_path
from avenue.storage.survey import ChunkSize

LINK_SECONDS = 3600
"""The lifetime of the example link whose caching a trace describes."""
MOST_ADDRESSES = 100
NO_STORE = {"Cache-Control": "no-store"}
OF_A_VERSION = (
    *("version", "file", "media_type", "bytes", "sha256"),
    *("width", "height", "at", "by"),
)
OF_AN_ASSET = [each.name for each in fields(TracedAsset) if each.name != "damaged"]
_REFERENCE = re.compile(r"avenue:([A-Za-z0-9_-]{22})/[a-z][a-z0-9]*")


class NoSuchAsset(NotFound):
    """The site has no such asset, and no trace of one."""

    message = "This site has nothing with that ID or URL."
    hint = "Enter the 22 characters of an asset's ID, or one of its URLs."


class TraceService:
    """Traces assets of one site at a time. Changes nothing."""

    def __init__(
        self, store: TraceStore, legacy_urls: LegacyUrls, uses: Uses, settings: Settings
    ) -> None:
        self._store = store
        self._legacy_urls = legacy_urls
        self._uses = uses
        self._settings = settings

    def trace(self, actor: Actor, which: str, *, seconds: float | None = None) -> Trace:
        """Return everything known about the asset `which`: an id or any address of it.

        Bytes are read and counted for `seconds` (None: without limit), those of the current version
        first. Raise `Forbidden`, or `NoSuchAsset` if nothing is known about it here.
        """
        actor.must_have(Role.OPS)
        site, asset_id = actor.site, self._id_of(actor.site, which)
        ends_at = None if seconds is None else time.monotonic() + seconds
        record, kept = (
            self._store.record(site.id, asset_id),
            self._store.renditions(site.id, asset_id),
        )
        asset = record.asset if record else None
        versions = tuple(self._versions(asset, ends_at)) if asset else ()
        renditions = tuple(self._renditions(site, asset, kept, ends_at)) if asset else ()
        known = self._named(
            site,
            asset_id,
            Known(record=record, versions=versions, renditions=renditions, leftovers=kept.values()),
        )
        if record is None and not (known.old_addresses or known.uses or kept):
            raise NoSuchAsset
        current = {each.id for each in renditions if each.id}
        return Trace(
            generated_at=utc_now(),
            id=asset_id,
            site=site.id,
            asset=_shown(asset, record.damage) if asset and record else None,
            broken=tuple(self._broken(site, asset_id, known)),
            versions=versions,
            renditions=renditions,
            stale_renditions=len(kept.keys() - current),
            uses=tuple(known.uses),
            old_addresses=tuple(known.old_addresses[:MOST_ADDRESSES]),
            rights=_rights(site, asset),
            token=original_token(asset) if asset and asset.versions else None,
            answers=tuple(self._answers(site, asset)) if asset and asset.versions else (),
        )

    def _named(self, site: Site, asset_id: str, known: Known) -> Known:
        """Return `known` with the referrers of the asset, and whether its owner exists."""
        addresses = self._legacy_urls.paths_of(site.id, asset_id)
        claim = known.record.asset.claim if known.record and known.record.asset else None
        return replace(
            known,
            uses=[
                replace(each, url=site.base_url + each.url)
                for each in self._uses.of(site, asset_id, addresses)
            ],
            old_addresses=addresses,
            owner_is_there=self._uses.is_there(site.id, claim) if claim else None,
        )

    def _broken(self, site: Site, asset_id: str, known: Known) -> list[str]:
        """Return the broken links, except those of a change in progress."""
        found = list(broken_links(known))
        if not found:
            return []
        record = self._store.record(site.id, asset_id)
        again = set(broken_links(self._named(site, asset_id, replace(known, record=record))))
        return [each for each in found if each in again]

    def _id_of(self, site: Site, which: str) -> str:
        """Return the id that `which` names; raise `NoSuchAsset` if it is no id or address."""
        text = which.strip()
        if is_id(text):
            return text
        reference = _REFERENCE.fullmatch(text)
        if reference:
            return reference[1]
        # A site has had many names: on another host only the form of an address says it is ours.
        target = targets_of(site, [text], self._legacy_urls.find_many)[text]
        return required(
            target if isinstance(target, str) else asset_in(text) or self._from_before(site, text),
            NoSuchAsset,
        )

    def _from_before(self, site: Site, address: str) -> str | None:
        path = legacy_path(address)
        return self._legacy_urls.find(site.id, path) if path else None

    def _versions(self, asset: Asset, ends_at: float | None) -> Iterator[TracedVersion]:
        for version in asset.versions:
            record = self._store.file(asset.site, asset.bucket, version.file)
            cut = record.chunk_bytes if record else None
            traced = TracedVersion(
                **{name: getattr(version, name) for name in OF_A_VERSION},
                document_bytes=record.length if record else None,
                chunk_bytes=cut,
            )
            chunks = self._chunks(asset, version, ends_at)
            if chunks is not None:
                traced = replace(
                    traced,
                    chunks=len(chunks),
                    chunks_expected=-(-version.bytes // cut) if cut and cut > 0 else None,
                    stored_bytes=sum(max(each.bytes, 0) for each in chunks),
                    hash=self._read(asset, version, ends_at),
                    fault=fault_of(StoredVersion.of(version), record, chunks),
                )
            yield traced

    def _chunks(
        self, asset: Asset, version: Version, ends_at: float | None
    ) -> list[ChunkSize] | None:
        """Return the sizes of a version's chunks, None if time ran out before the last."""
        found: list[ChunkSize] = []
        pieces = self._store.chunks(asset.site, asset.bucket, version)
        while not _is_over(ends_at):
            some = next(pieces, None)
            if some is None:
                return found
            found += some
        return None

    def _read(self, asset: Asset, version: Version, ends_at: float | None) -> Bytes:
        """Read a version whole and return whether its bytes are right."""
        digest, length = hashlib.sha256(), 0
        for piece in self._store.read(asset.site, asset.bucket, version):
            if _is_over(ends_at):
                return Bytes.UNREAD
            digest.update(piece)
            length += len(piece)
        if length != version.bytes:
            return Bytes.UNREAD
        return Bytes.RIGHT if digest.hexdigest() == version.sha256 else Bytes.WRONG

    def _renditions(
        self, site: Site, asset: Asset, kept: dict[str, KeptFacts], ends_at: float | None
    ) -> Iterator[TracedRendition]:
        """Yield each size and format of the picture; nothing if the asset is no picture."""
        if not asset.versions or asset.current.width is None:
            return
        for variant in (*VARIANTS, *(row.name for row in own_rows(site.sizes).values())):
            for extension in extensions(asset.current.has_alpha):
                key = RenditionKey.of(asset, variant, extension)
                facts = kept.get(key.id)
                if facts is None and self._settings.pipeline_mode == "off":
                    continue
                yield TracedRendition(
                    id=facts.id if facts else None,
                    name=f"{variant}.{extension}",
                    url=site.base_url + variant_path(asset, variant, extension),
                    state=self._making(asset, facts, ends_at),
                    bytes=facts.bytes if facts else None,
                    made_at=facts.made_at if facts else None,
                )

    def _making(self, asset: Asset, kept: KeptFacts | None, ends_at: float | None) -> Making:
        if kept is None:
            return Making.TO_BE_MADE
        if _is_over(ends_at):
            return Making.KEPT
        data = self._store.rendition_bytes(asset.site, kept.id)
        is_right = hashlib.sha256(data).hexdigest() == kept.sha256
        return Making.KEPT if is_right else Making.DAMAGED

    def _answers(self, site: Site, asset: Asset) -> Iterator[Answer]:
        """Yield the responses that readers and caches get at the addresses of an asset now."""
        immutable = site.base_url + original_path(asset)
        stable = f"{site.base_url}/media/{asset.id}/{ORIGINAL}"
        if asset.state is not State.LIVE:
            yield Answer(url=immutable, whom="everybody", status=404, headers=NO_STORE)
            return
        if asset.visibility is Visibility.PUBLIC:
            for url, wanted in ((immutable, IMMUTABLE), (stable, SHORT)):
                found = freshness_of(wanted, is_public=True)
                yield _answer(asset, url, "everybody", found)
            return
        category = filed_in(site, asset)
        yield _answer(asset, immutable, "those who may read it", freshness_of(IMMUTABLE))
        edge = self._settings.cache_seconds if category and category.edge else None
        by_link = freshness_of(IMMUTABLE, link_seconds=LINK_SECONDS, edge_seconds=edge)
        yield _answer(asset, immutable, "those with a link that is valid for an hour", by_link)
        yield Answer(url=immutable, whom="all others", status=404, headers=NO_STORE)
        if _thumb_is_open(asset, category):
            url = site.base_url + variant_path(asset, "thumb")
            open_to_all = freshness_of(IMMUTABLE, is_open=True)
            yield Answer(url=url, whom="everybody", status=200, headers=_for_caches(open_to_all))


def _answer(asset: Asset, url: str, whom: str, freshness: Freshness) -> Answer:
    tagged = {**_for_caches(freshness), "ETag": f'"{asset.current.sha256[:32]}"'}
    return Answer(url=url, whom=whom, status=200, headers=tagged)


def _for_caches(freshness: Freshness) -> dict[str, str]:
    """Return the headers about caching."""
    wanted = ("Cache-Control", "Vary", "X-Robots-Tag", "Access-Control-Allow-Origin")
    return {name: value for name, value in freshness.headers if name in wanted}


def _rights(site: Site, asset: Asset | None) -> Rights:
    if asset is None:
        return _for_nobody("Nobody: there is no record of it that can be read.")
    if asset.state is not State.LIVE:
        where = "in the trash" if asset.state is State.TRASH else "being deleted"
        return _for_nobody(f"Nobody: it is {where}.")
    category = filed_in(site, asset)
    if asset.visibility is Visibility.PUBLIC:
        return Rights(
            everybody=True,
            roles=tuple(Role),
            owner=asset.owner,
            thumb_is_open=True,
            by_link=True,
            why=f"Everybody at the hosts of the site {site.id}: it is public.",
        )
    readers = tuple(each for each in Role if category and each in category.readers)
    roles = (Role.ADMIN, *(each for each in readers if each is not Role.ADMIN))
    filed = f" It is filed in {category.name}." if category else ""
    return Rights(
        everybody=False,
        roles=roles,
        owner=asset.owner,
        thumb_is_open=_thumb_is_open(asset, category),
        by_link=True,
        why=(
            "It is private: its owner, these roles on its site, and anyone with a signed link."
            + filed
        ),
    )


def _for_nobody(why: str) -> Rights:
    return Rights(
        everybody=False, roles=(), owner=None, thumb_is_open=False, by_link=False, why=why
    )


def _thumb_is_open(asset: Asset, category: Category | None) -> bool:
    is_picture = asset.current.width is not None if asset.versions else False
    return is_picture and category is not None and category.public_thumbs


def _is_over(ends_at: float | None) -> bool:
    return ends_at is not None and time.monotonic() > ends_at


def _shown(asset: Asset, damage: Damage | None) -> TracedAsset:
    facts = {name: getattr(asset, name) for name in OF_AN_ASSET}
    return TracedAsset(**facts, damaged=damage.fault.detail if damage else None)

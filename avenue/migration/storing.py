"""Stores an imported file for its destination or for a record that refers to it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any

from avenue.audit.service import AuditService
from avenue.builder.website.moving import MovedPages
from avenue.errors import Conflict
from avenue.identity import Actor
from avenue.media.intake.library import MediaLibrary
from avenue.media.intake.models import Incoming, Refusal, UploadRequest, UploadResult
from avenue.media.models import Asset, Claim, State
from avenue.media.store.legacy_urls import LegacyUrls
from avenue.media.store.library import LibraryStore
from avenue.migration.addresses import OldAddresses
from avenue.migration.adopt.store import AdoptedStore
from avenue.migration.models import Destination, Outcome, Reference
from avenue.migration.plan import Plan
from avenue.migration.sources.plan import EntryPlan
from avenue.migration.store import PageStore
from avenue.shop.store.external_pictures import ExternalPictures
from avenue.shop.store.moving import MovedStore


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportTargets:
    """The services and stores that imports write to."""

    library: MediaLibrary
    library_store: LibraryStore
    legacy_urls: LegacyUrls
    pages: PageStore
    owners: ExternalPictures
    catalogue: MovedStore
    website: MovedPages
    adopted: AdoptedStore
    audit: AuditService

    def references_of_owners(self, site_id: str, addresses: OldAddresses) -> Iterator[Reference]:
        """Yield how owners of pictures refer to `addresses`."""
        last: Claim | None = None
        while found := self.owners.external_after(site_id, last):
            for claim, url in found:
                path = addresses.path_in(url)
                if path:
                    yield Reference(kind=claim.kind, id=claim.id, address=url, path=path)
            last = found[-1][0]

    def write_down(self, site_id: str, action: str, what: str, plan: Plan | EntryPlan) -> None:
        """Leave one entry in the log of changes, if anything of `plan` has changed anything."""
        counts = {each.value: plan.count(each) for each in Outcome}
        rewritten = sum(plan.count_rewritten().values())
        if counts[Outcome.STORED] or counts[Outcome.DUPLICATE] or rewritten:
            details = {**counts, "rewritten": rewritten}
            self.audit.record_command(site_id, "import", action, what, details=details)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The asset with the bytes; `is_new` if nothing had them before."""

    asset: Asset
    is_new: bool


class FileStorer:
    """Stores files in one site. Every step is repeatable: the same bytes are the same file.

    The old addresses are stored before the asset is claimed, and count once it is.
    """

    def __init__(self, actor: Actor, destination: Destination, targets: ImportTargets) -> None:
        self._actor = actor
        self._site = actor.site.id
        self._destination = destination
        self._targets = targets

    def adopt(
        self,
        reference: Reference,
        file: Incoming,
        answers: Sequence[str],
        note: Callable[[Asset], None] = lambda _: None,
    ) -> Kept | None:
        """Give an owner the picture it names; return None if it no longer names it.

        `answers` are the old paths that lead to it from now on. `note` is called with the asset
        before the owner gets it: a later run would not find it any more.
        """
        claim = Claim(kind=reference.kind, id=reference.id)
        theirs = self._targets.library.claimed_by(self._actor, claim)
        known = {each.current.source_sha256: each for each in theirs}
        order = self._order(f"{claim.kind}/{claim.id}", file, known)
        with self._received(order, file) as (upload_result, asset):
            self._lead(answers, asset)
            note(asset)
            adopted = self._targets.owners.adopt(
                self._site, claim, reference.address, upload_result
            )
        if adopted is None:
            return None
        if adopted.id != asset.id:
            self._lead(answers, adopted)
            note(adopted)
        return Kept(asset=adopted, is_new=upload_result.created)

    def keep(
        self,
        file: Incoming,
        answers: Sequence[str],
        *,
        folder: str | None = None,
        own_key: str | None = None,
        facts: Mapping[str, Any] | None = None,
    ) -> Kept:
        """Store a file for the destination's owner, in `folder` of the media library.

        With `own_key` it is a separate file even if others have the same bytes, and the same key is
        the same file. A new one has `facts`, fields as they are stored.
        """
        targets, claim = self._targets, self._destination.claim
        there = own_key is None and targets.library_store.by_source(
            self._site, file.sha256, claim("")
        )
        known = {file.sha256: there} if there else {}
        order = self._order(self._destination.policy.visibility, file, known)
        if own_key is not None:
            order = replace(order, key=own_key)
        with self._received(order, file) as (upload_result, asset):
            self._lead(answers, asset)
            targets.library_store.keep(
                self._site,
                upload_result,
                claim(asset.id),
                once=own_key is None,
                folder=folder,
                facts=facts or {},
            )
        (kept,) = upload_result.assets
        if kept.id != asset.id:
            self._lead(answers, kept)
        return Kept(asset=kept, is_new=upload_result.created)

    def answering(self, path: str) -> Asset | None:
        """Return the asset that is served at `path`."""
        asset = self.named_by(path)
        return asset if is_kept(asset) else None

    def named_by(self, path: str) -> Asset | None:
        """Return the asset that `path` leads to, in any state."""
        asset_id = self._targets.legacy_urls.find(self._site, path)
        return self.asset(asset_id) if asset_id else None

    def asset(self, asset_id: str) -> Asset | None:
        """Return an asset, in any state."""
        return self._targets.library.get_many(self._actor, [asset_id]).get(asset_id)

    def _lead(self, paths: Sequence[str], asset: Asset) -> None:
        for each in paths:
            self._targets.legacy_urls.put(self._site, each, asset.id)

    def _order(self, owner: str, file: Incoming, known: Mapping[str, Asset]) -> UploadRequest:
        policy = self._destination.policy
        return UploadRequest(
            policy=policy,
            target=f"import/{policy.bucket}/{owner}",
            key=file.sha256,
            known=known,
            room=1,
            no_room=Conflict(),
        )

    @contextmanager
    def _received(
        self, order: UploadRequest, file: Incoming
    ) -> Iterator[tuple[UploadResult, Asset]]:
        """Store the spooled file and yield it; it is deleted unless it is claimed inside."""
        library = self._targets.library
        with ExitStack() as stack:
            upload_result = stack.enter_context(library.receiving(self._actor, order, [file]))
            if upload_result.replayed and not any(map(is_kept, upload_result.assets)):
                # It was imported before and deleted since, so this is a new one.
                again = replace(order, key=None)
                upload_result = stack.enter_context(library.receiving(self._actor, again, [file]))
            (outcome,) = upload_result.received
            if isinstance(outcome, Refusal):
                raise outcome.error or Conflict(outcome.message)
            yield upload_result, outcome


def is_kept(asset: Asset | None) -> bool:
    """Return whether there is an asset with an owner that is served."""
    return asset is not None and asset.claim is not None and asset.state is State.LIVE

"""Processes submitted content into a draft: cleans it, and stores inline pictures in the library.

Inline pictures of HTML or CSS are collected first, stored together unclaimed, and replaced by their
references when the content is parsed again. Saving the page claims them in its own transaction, so
a rejected save leaves nothing behind.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from avenue.builder.content.cleaning import received
from avenue.builder.content.models import Content, Flagged, Keep, Received
from avenue.builder.website.errors import TooManyPictures
from avenue.builder.website.models import MOST_ASSETS, Changes, Draft, changed
from avenue.builder.website.store.pictures import PagePictures
from avenue.identity import Actor, new_id
from avenue.media.intake.library import MediaLibrary
from avenue.media.intake.models import Refusal, UploadRequest, UploadResult
from avenue.media.intake.policy import UploadPolicy
from avenue.media.intake.spool import SpooledFile, spooled

TEXTS = frozenset({"html", "css"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A draft with submitted changes; `flagged` is None when its texts were not changed.

    `upload_result` has the inline pictures, to be claimed by the save.
    """

    draft: Draft
    flagged: tuple[Flagged, ...] | None = None
    upload_result: UploadResult | None = None


@dataclass(slots=True)
class _Collected:
    """The distinct pictures of a page, by the hash of their bytes."""

    by_hash: dict[str, bytes] = field(default_factory=dict)

    def keep(self, data: bytes, _media_type: str) -> str:
        """Collect a picture; the returned id is a placeholder."""
        self.by_hash[_hash(data)] = data
        return new_id()


class Intake:
    """Processes submitted content. `policy` is the upload policy of the library."""

    def __init__(
        self, pictures: PagePictures, library: MediaLibrary, policy: UploadPolicy, tmp_dir: Path
    ) -> None:
        self._pictures = pictures
        self._library = library
        self._policy = policy
        self._tmp_dir = tmp_dir

    @contextmanager
    def taking(self, actor: Actor, draft: Draft, changes: Changes) -> Iterator[Taken]:
        """Yield `draft` with `changes`; pictures that the save inside does not claim are removed.

        A draft that was never cleaned is cleaned, whatever changes.

        Raise why a text or a picture in it is rejected.
        """
        wanted = changed(draft, changes)
        if draft.is_cleaned and not TEXTS & changes.keys():
            yield Taken(draft=wanted)
            return
        collected = _Collected()
        found = self._read(actor, wanted, collected.keep)
        if not collected.by_hash:
            yield _taken(wanted, found, None)
            return
        with self._stored(actor, wanted, collected) as (ids, upload_result):
            found = self._read(actor, wanted, lambda data, _: ids[_hash(data)])
            yield _taken(wanted, found, upload_result)

    def previewed(self, actor: Actor, draft: Draft, changes: Changes) -> Draft:
        """Return `draft` with `changes` as they would be stored; nothing is stored."""
        wanted = changed(draft, changes)
        if draft.is_cleaned and not TEXTS & changes.keys():
            return wanted
        return _with(wanted, self._read(actor, wanted, _Collected().keep))

    def _read(self, actor: Actor, draft: Draft, keep: Keep) -> Received:
        return received(Content(html=draft.html, css=draft.css), actor.site, keep)

    @contextmanager
    def _stored(
        self, actor: Actor, draft: Draft, collected: _Collected
    ) -> Iterator[tuple[Mapping[str, str], UploadResult]]:
        """Store pictures and yield their ids by hash; those in the library stay there.

        Raise the first refusal.
        """
        order = UploadRequest(
            policy=self._policy.on(actor.site),
            target="library",
            key=None,
            known=self._pictures.same(actor.site.id, list(collected.by_hash)),
            room=MOST_ASSETS,
            no_room=TooManyPictures(limit=MOST_ASSETS),
        )
        with ExitStack() as spools:
            incoming = [
                spools.enter_context(spooled(f"{draft.title} {number}", [data], self._tmp_dir))
                for number, data in enumerate(collected.by_hash.values(), start=1)
            ]
            upload_result = spools.enter_context(self._library.receiving(actor, order, incoming))
            yield _ids(incoming, upload_result), upload_result


def _ids(incoming: Sequence[SpooledFile], upload_result: UploadResult) -> dict[str, str]:
    """Return the id of each picture, by its hash; raise the first refusal."""
    reception_of = zip(incoming, upload_result.received, strict=True)
    ids = {}
    for each, outcome in reception_of:
        if isinstance(outcome, Refusal):
            raise outcome.error or TooManyPictures(limit=MOST_ASSETS)
        ids[each.sha256] = outcome.id
    return ids


def _taken(draft: Draft, found: Received, upload_result: UploadResult | None) -> Taken:
    return Taken(draft=_with(draft, found), flagged=found.flagged, upload_result=upload_result)


def _with(draft: Draft, found: Received) -> Draft:
    return replace(draft, html=found.content.html, css=found.content.css, is_cleaned=True)


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()

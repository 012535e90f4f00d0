"""What an upload asks for, and its outcome."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Protocol, Self

from avenue.errors import AvenueError, Gone, NotFound, Translate, filled, sentence, words_of
from avenue.media.intake.policy import UploadPolicy
from avenue.media.models import Asset
from avenue.media.naming import safe_name
from avenue.storage.chunks import Sums
from avenue.storage.idempotency import OpenWrite
from avenue.web import metrics


class Incoming(Protocol):
    """A received file: spooled and measured, otherwise untrusted."""

    @property
    def name(self) -> str:
        """Return the client's name for it."""

    @property
    def file(self) -> BinaryIO:
        """Return its bytes, in a real file."""

    @property
    def length(self) -> int:
        """Return the number of bytes."""

    @property
    def sha256(self) -> str:
        """Return their hash, as hex."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A refused file; `error` is None if it is remembered from an earlier request.

    `message` has `{places}` for `words`.
    """

    name: str
    code: str
    message: str
    words: Mapping[str, object] = field(default_factory=dict)
    error: AvenueError | None = None

    @classmethod
    def of(cls, name: str, error: AvenueError) -> Self:
        """Return the refusal of the file `name` by `error`."""
        metrics.count_refused_file(error.code)
        return cls(
            name=safe_name(name),
            code=error.code,
            message=error.templates[0],
            words=error.words,
            error=error,
        )

    def said(self, translate: Translate) -> str:
        """Return the reason, in the language of `translate`."""
        return filled(self.message, self.words, translate)

    def remembered(self) -> dict[str, Any]:
        """Return what is stored of it, for a repeated request."""
        return {
            "name": self.name,
            "code": self.code,
            "message": self.message,
            "words": words_of(self.message, self.words),
        }


Outcome = Asset | Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """A file that was uploaded in parts, as chunks of `stored_file`, which `file` reads.

    `id` is for its asset.
    """

    id: str
    name: str
    file: BinaryIO
    length: int
    sha256: str
    sums: Sums
    stored_file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadRequest:
    """The destination of an upload, its limit, and the existing files there.

    `key` is the client's Idempotency-Key or None; `target` identifies the owner of the files;
    `known` are its existing assets, by the hash of the bytes that were sent; beyond `room` more
    files, `no_room` is the error. With `replaces`, the only file becomes a version of that asset,
    whose name it keeps if it has none.
    """

    policy: UploadPolicy
    target: str
    key: str | None
    known: Mapping[str, Asset] = field(default_factory=dict)
    room: int
    no_room: AvenueError
    replaces: Asset | None = None


@dataclass(slots=True, kw_only=True)
class UploadResult:
    """An upload between its checks and its claim.

    `received` has an entry for each file, in order. `new` are the stored ones, to be claimed now;
    `fates` is their outcome, by id: claimed, duplicate, or refused. `replayed`: this is the answer
    to an earlier request with the same key. `mended` are existing assets that were damaged and have
    been repaired.
    """

    received: list[Outcome]
    mended: list[str] = field(default_factory=list)
    new: tuple[Asset, ...] = ()
    write: OpenWrite | None = None
    replayed: bool = False
    fates: Mapping[str, Outcome] = field(default_factory=dict)

    @property
    def outcomes(self) -> list[Outcome]:
        """Return the outcome of each file, in order."""
        return [
            self.fates.get(each.id, each) if isinstance(each, Asset) else each
            for each in self.received
        ]

    @property
    def kept(self) -> frozenset[str]:
        """Return the ids of the assets of this upload that must be kept."""
        return frozenset(each.id for each in self.fates.values() if isinstance(each, Asset))

    @property
    def kept_files(self) -> frozenset[str]:
        """Return the files of these assets: of the same file sent twice as a replacement, one."""
        return frozenset(
            each.current.file for each in self.fates.values() if isinstance(each, Asset)
        )

    @property
    def assets(self) -> list[Asset]:
        """Return the pictures of this upload."""
        return [each for each in self.outcomes if isinstance(each, Asset)]

    @property
    def refusals(self) -> list[Refusal]:
        """Return the refused files."""
        return [each for each in self.outcomes if isinstance(each, Refusal)]

    @property
    def created(self) -> bool:
        """Return whether anything new was stored."""
        return bool(self.kept & {each.id for each in self.new})

    def answer(self) -> dict[str, Any]:
        """Return what the open write remembers: ids and refusals, no URLs."""
        return {
            "outcomes": [
                {"asset": each.id} if isinstance(each, Asset) else each.remembered()
                for each in self.outcomes
            ]
        }

    def raise_if_empty(self) -> None:
        """Raise the first refusal if no file was accepted."""
        if self.replayed and not self.assets:
            raise Gone(
                sentence("What this request had stored has since been removed."),
                hint=sentence("Send it with a new Idempotency-Key to store it again."),
            )
        if not self.assets and self.refusals:
            raise self.refusals[0].error or NotFound

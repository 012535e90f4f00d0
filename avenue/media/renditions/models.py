"""Renditions: derived bytes that can always be generated again."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from avenue.media.models import Asset, State
from avenue.media.pictures.variants import FORMATS, row_named, token
from avenue.media.serving.disk_cache import Facts
from avenue.server.file_body import Body, FileBody, pieces_of


@dataclass(frozen=True, slots=True, kw_only=True)
class RenditionKey:
    """Identifies one rendition of one version of a picture, as its URL does."""

    asset: str
    token: str
    variant: str
    extension: str

    @classmethod
    def of(cls, asset: Asset, variant: str, extension: str) -> "RenditionKey":
        """Return the key of `asset` as `variant`, for its current version."""
        return cls(
            asset=asset.id,
            token=token(asset.current.sha256, variant, asset.focal_point, asset.visibility_epoch),
            variant=variant,
            extension=extension,
        )

    @property
    def id(self) -> str:
        """The `_id` of its document, and the part after `/media/` in its URL."""
        return f"{self.asset}/{self.token}/{self.variant}.{self.extension}"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptRendition:
    """A stored rendition; `file` is the stored file it was made from."""

    key: RenditionKey
    file: str
    data: Body
    width: int
    height: int
    sha256: str
    made_at: datetime

    def __len__(self) -> int:
        """How many bytes it has."""
        return len(self.data)


@dataclass(frozen=True, slots=True, kw_only=True)
class SweptRendition:
    """The fields of a rendition that the sweeper reads; `file` is `<site>/<stored file>`."""

    key: RenditionKey
    file: str
    made_at: datetime

    def belongs_to(self, asset: Asset | None) -> bool:
        """Return whether `asset`, found by the key's id, shows or may show it."""
        if asset is None or row_named(self.key.variant) is None:
            return False
        if asset.state is State.TRASH or not asset.versions:
            return True
        return self.key == RenditionKey.of(asset, self.key.variant, self.key.extension)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownRendition:
    """The facts of a rendition without its bytes; `name` is the picture's display name."""

    key: RenditionKey
    sha256: str
    length: int
    modified_at: datetime
    name: str

    @property
    def etag(self) -> str:
        """A strong validator: it changes exactly when the bytes do."""
        return self.sha256[:32]

    @property
    def media_type(self) -> str:
        """What the bytes are."""
        return FORMATS[self.key.extension].media_type.name


@dataclass(frozen=True, slots=True, kw_only=True)
class RenditionFile(KnownRendition):
    """A rendition that is open for delivery."""

    data: Body

    @classmethod
    def of(cls, kept: KeptRendition, name: str) -> "RenditionFile":
        """Return the file of a stored rendition of a picture with this display name."""
        return cls(
            key=kept.key,
            sha256=kept.sha256,
            length=len(kept.data),
            modified_at=kept.made_at,
            name=name,
            data=kept.data,
        )

    def chunks(self, start: int, end: int) -> Iterator[bytes]:
        """Yield the bytes from `start` up to before `end`."""
        yield from pieces_of(self.data, start, end)

    def body(self) -> Body:
        """Return all its bytes."""
        return self.data


@dataclass(frozen=True, slots=True)
class RenditionOnDisk:
    """A rendition in the disk cache; see `disk_cache.OnDisk`."""

    site: str
    key: RenditionKey

    @property
    def name(self) -> str:
        """A file name for exactly these bytes."""
        return self.key.id.replace("/", ".")

    def taken_apart(self, kept: KeptRendition) -> tuple[Facts, Iterable[bytes]] | None:
        """Return facts and bytes of a rendition that was read or generated."""
        if not isinstance(kept.data, bytes):
            return None
        facts = {
            "file": kept.file,
            "width": kept.width,
            "height": kept.height,
            "sha256": kept.sha256,
            "made_at": kept.made_at.isoformat(),
        }
        return facts, (kept.data,)

    def put_together(self, facts: Facts, body: FileBody) -> KeptRendition:
        """Return the rendition with its bytes in `body`."""
        made_at = datetime.fromisoformat(facts["made_at"])
        return KeptRendition(key=self.key, data=body, **{**facts, "made_at": made_at})

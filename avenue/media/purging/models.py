"""What edges may have kept of an asset, as it was before it changed."""

from dataclasses import dataclass
from datetime import datetime

from avenue.media.filetypes import FILE_TYPES
from avenue.media.variants import ORIGINAL, VARIANTS, extensions, token


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What the addresses of one version follow from."""

    sha256: str
    media_type: str
    is_picture: bool
    has_alpha: bool
    focal: tuple[float, float] | None
    epoch: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A public asset was removed, replaced or is cut another way: `versions` are those before."""

    id: str
    site: str
    asset: str
    at: datetime
    versions: tuple[Shown, ...]

    def paths(self) -> list[str]:
        """Return every path, with its query, that Avenue has ever given for these versions.

        All begin with `/media/<asset>/`, for edges that forget by prefix.
        """
        stable = [f"/media/{self.asset}/{name}" for name in (ORIGINAL, *VARIANTS)]
        own = [path for each in self.versions for path in self._paths_of(each)]
        return [*stable, *own, *(f"{path}?download=1" for path in own)]

    def _paths_of(self, shown: Shown) -> list[str]:
        here = f"/media/{self.asset}"
        own = FILE_TYPES[shown.media_type].extension
        original = f"{here}/{token(shown.sha256, ORIGINAL, epoch=shown.epoch)}/{ORIGINAL}.{own}"
        if not shown.is_picture:
            return [original]
        return [
            original,
            *(
                f"{here}/{token(shown.sha256, name, shown.focal, shown.epoch)}/{name}.{extension}"
                for name in VARIANTS
                for extension in extensions(shown.has_alpha)
            ),
        ]

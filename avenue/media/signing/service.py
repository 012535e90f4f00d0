"""Creates and verifies signed links to private files."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil

from avenue.clock import utc_now
from avenue.config import Settings
from avenue.media.models import Asset
from avenue.media.signing.signatures import (
    WINDOWS,
    Grant,
    Key,
    derived,
    expiry,
    is_signed,
    presented,
    query_of,
)
from avenue.media.signing.store import LinkKeys, StoredKey
from avenue.media.store.assets import AssetStore

KEY_LIFE = timedelta(days=30)
"""How long a key signs; after that the next link is signed with a new one."""
DAY_SECONDS = 24 * 60 * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedLink:
    """A path with its signature, and when it expires."""

    path: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Signs links of one site with its current key."""

    site: str
    key: Key
    now: float

    def sign(self, asset: Asset, path: str, *, download: bool, seconds: int) -> SignedLink:
        """Return a link to `path` of `asset` that is valid for `seconds`, or a little longer."""
        expires = expiry(self.now, seconds)
        grant = Grant(
            site=self.site,
            epoch=asset.link_epoch,
            path=path,
            download=download,
            expires=expires,
        )
        return SignedLink(
            path=f"{path}?{query_of(grant, self.key)}",
            expires_at=datetime.fromtimestamp(expires, UTC),
        )


class SignedLinks:
    """The links of every site.

    Asset and keys are read from the database each time, so revocations take effect at once.
    """

    def __init__(
        self,
        keys: LinkKeys,
        assets: AssetStore,
        settings: Settings,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._keys = keys
        self._assets = assets
        self._secret_key = settings.secret_key
        longest_seconds = settings.max_link_days * DAY_SECONDS
        self._kept_seconds = longest_seconds + longest_seconds // WINDOWS
        self._now = now

    def signer(self, site_id: str) -> Signer:
        """Return the current signer of a site."""
        key = self._signing_key(site_id)
        return Signer(site=site_id, key=key, now=self._now().timestamp())

    def seconds_left(self, site_id: str, asset: Asset | None, path: str, query: str) -> int | None:
        """Return for how long a link is valid: 0 if it has expired, None if it is invalid.

        The signature is checked before the time. The same is done if there is no asset.
        """
        shown = presented(query)
        if shown is None:
            return None
        stored = self._keys.ring(site_id).named(shown.key)
        if stored is None:
            return None
        grant = Grant(
            site=site_id,
            epoch=asset.link_epoch if asset else 0,
            path=path,
            download=shown.download,
            expires=shown.expires,
        )
        if not is_signed(shown, grant, self._key(stored)) or asset is None:
            return None
        return max(0, shown.expires - ceil(self._now().timestamp()))

    def rotate(self, site_id: str) -> None:
        """Sign with a new key from now on; existing links stay valid until they expire."""
        self._keys.renew(site_id, self._keys.ring(site_id), keep_seconds=self._kept_seconds)

    def revoke(self, asset: Asset) -> None:
        """Revoke all links to `asset`."""
        self._assets.revoke_links(asset.site, asset.id)

    def revoke_all(self, site_id: str) -> None:
        """Revoke all links to all files of a site."""
        self._keys.drop_all(site_id)

    def _signing_key(self, site_id: str) -> Key:
        ring = self._keys.ring(site_id)
        if ring.keys and ring.keys[0].made_at < self._now() - KEY_LIFE:
            ring = self._keys.renew(site_id, ring, keep_seconds=self._kept_seconds)
        while not ring.keys:  # the site never had one, or all are being revoked just now
            ring = self._keys.renew(site_id, ring, keep_seconds=self._kept_seconds)
        return self._key(ring.keys[0])

    def _key(self, stored: StoredKey) -> Key:
        return Key(id=stored.id, secret=derived(self._secret_key, stored.salt))

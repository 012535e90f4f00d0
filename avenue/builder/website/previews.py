"""Links that show a draft to anyone who has them, until they expire."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from itsdangerous import BadData, URLSafeSerializer

from avenue.builder.website.errors import PageNotFound
from avenue.clock import utc_now
from avenue.config import Settings
from avenue.identity import Site

LEAST_SECONDS, USUAL_SECONDS, MOST_SECONDS = 60, 24 * 3600, 7 * 24 * 3600
LONGEST_TOKEN = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """A preview link: its `token`, and when it expires."""

    token: str
    expires_at: datetime


class Previews:
    """Signs links to drafts with `SECRET_KEY`; changing the key invalidates them all."""

    def __init__(self, settings: Settings) -> None:
        self._signed = URLSafeSerializer(
            settings.secret_key,
            salt="avenue page preview",
            signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"},
        )

    def of(self, site: Site, page_id: str, seconds: int) -> Preview:
        """Return a link to the draft of a page, valid for `seconds`."""
        expires_at = (utc_now() + timedelta(seconds=seconds)).replace(microsecond=0)
        token = self._signed.dumps([site.id, page_id, int(expires_at.timestamp())])
        return Preview(token=str(token), expires_at=expires_at)

    def page_of(self, site: Site, token: str) -> str:
        """Return the id of the page of `token` on `site`; raise `PageNotFound`."""
        if len(token) > LONGEST_TOKEN:
            raise PageNotFound
        try:
            site_id, page_id, expires = self._signed.loads(token)
        except BadData:
            raise PageNotFound from None
        if site_id != site.id or utc_now().timestamp() >= expires:
            raise PageNotFound
        return str(page_id)

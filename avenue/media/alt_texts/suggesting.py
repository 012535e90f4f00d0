"""Asks a service to describe a picture. Off unless AVENUE_ALT_TEXT_URL is set.

The service gets one small copy of the picture and some context, and answers `{"alt": "…"}`. The
text is shown to a person and not stored.
"""

import base64
import threading

from avenue.bodies import LONGEST_ALT
from avenue.config import Settings
from avenue.identity import Actor
from avenue.media.alt_texts.errors import NoSuggestions, NothingSuggested, SuggestersBusy
from avenue.media.alt_texts.service import AltTextService
from avenue.media.models import Asset
from avenue.media.renditions.service import Renditions
from avenue.outside.asking import Asker
from avenue.outside.errors import (
    AddressNotAllowed,
    FetchersBusy,
    FetchFailed,
    FetchTooSlow,
    TooLargeToFetch,
)
from avenue.slots import slot

SENT = "w640"
"""The size that is sent: at this width a picture has less than 200 kB."""
MOST_AT_ONCE = 2
"""In a process, because each request keeps a thread waiting."""
MOST_ANSWER_BYTES = 64 * 1024
CONTEXT_CHARACTERS = 200


class Suggester:
    """Asks for texts, a few at a time."""

    def __init__(self, texts: AltTextService, renditions: Renditions, settings: Settings) -> None:
        self._texts = texts
        self._renditions = renditions
        self._slots = threading.BoundedSemaphore(MOST_AT_ONCE)
        self._asker = Asker(
            base_url=settings.alt_text_url,
            headers={"Authorization": f"Bearer {settings.alt_text_secret}"}
            if settings.alt_text_secret
            else {},
            seconds=settings.alt_text_seconds,
            head_seconds=settings.alt_text_seconds,
            most_json_bytes=MOST_ANSWER_BYTES,
        )

    @property
    def is_set_up(self) -> bool:
        """Whether a service is set up."""
        return bool(self._asker.base_url)

    def suggest(self, actor: Actor, asset_id: str, language: str) -> str:
        """Return a text for a picture that `actor` may describe.

        Raise `NoSuggestions`, `PictureNotFound`, `NothingSuggested`, `SuggestersBusy`, and the
        errors of creating the small copy.
        """
        if not self.is_set_up:
            raise NoSuggestions
        asset = self._texts.get(actor, asset_id)
        with slot(self._slots, SuggestersBusy):
            answer = self._asked(self._question(actor, asset, language))
        text = answer.get("alt") if isinstance(answer, dict) else None
        said = " ".join(text.split()) if isinstance(text, str) else ""
        if not said or not said.isprintable():
            raise NothingSuggested
        return said[:LONGEST_ALT].rstrip()

    def _question(self, actor: Actor, asset: Asset, language: str) -> dict[str, object]:
        # Services know JPEG best; a PNG with transparency would be several times as large.
        extension = "webp" if asset.current.has_alpha else "jpg"
        file = self._renditions.find_or_make(asset, SENT, extension).file
        picture = b"".join(file.chunks(0, file.length))
        return {
            "image": base64.b64encode(picture).decode(),
            "media_type": file.media_type,
            "language": language,
            "context": {
                "name": asset.name[:CONTEXT_CHARACTERS],
                "used_in": self._texts.name_of(actor, asset)[:CONTEXT_CHARACTERS],
            },
        }

    def _asked(self, question: object) -> object:
        try:
            return self._asker.json("", question)
        except (AddressNotAllowed, FetchFailed, FetchTooSlow, TooLargeToFetch, FetchersBusy):
            raise NothingSuggested from None

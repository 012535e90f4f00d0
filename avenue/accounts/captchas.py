"""Captchas of Cloudflare Turnstile and hCaptcha: checks answers with these services.

The visitor's address is not sent to them. Both accept each answer once, and for some minutes:
Turnstile five, hCaptcha two.
"""

from collections.abc import Collection
from http import HTTPStatus
from urllib.parse import urlencode

from avenue.errors import AvenueError
from avenue.outside.asking import Asker
from avenue.outside.errors import FetchFailed

BASE_URLS = {
    "turnstile": "https://challenges.cloudflare.com/turnstile/v0",
    "hcaptcha": "https://api.hcaptcha.com",
}
PATH = "/siteverify"
SECONDS = 5.0
OURS = frozenset(
    {
        "missing-input-secret",
        "invalid-input-secret",
        "invalid-sitekey",
        "sitekey-secret-mismatch",
        "not-using-dummy-secret",
        "internal-error",
    }
)
"""Errors unrelated to the answer: wrong settings, or a failure of the service."""


class CaptchaAway(Exception):
    """The service cannot check the answer; the text says why, without secrets."""


class Captcha:
    """A widget of Turnstile or hCaptcha; `secret` is in no text of this object."""

    def __init__(self, kind: str, site_key: str, secret: str, *, base_url: str = "") -> None:
        self.kind = kind
        self.site_key = site_key
        self._secret = secret
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        self._asker = Asker(base_url=base_url or BASE_URLS[kind], headers=form, seconds=SECONDS)

    def is_solved(self, answer: str, action: str, hosts: Collection[str]) -> bool:
        """Return whether `answer` is valid, on one of `hosts` and for `action`, and unused.

        hCaptcha knows no actions. Raise `CaptchaAway`.
        """
        if not (answer.isascii() and answer.isprintable()):
            return False
        fields = {"secret": self._secret, "response": answer}
        if self.kind == "hcaptcha":
            fields["sitekey"] = self.site_key
        told = self._verification(fields)
        wrong = told.get("error-codes")
        ours = OURS.intersection(map(str, wrong if isinstance(wrong, list) else ()))
        if ours:
            raise CaptchaAway(", ".join(sorted(ours)))
        is_for_this = self.kind == "hcaptcha" or told.get("action") == action
        return told.get("success") is True and told.get("hostname") in hosts and is_for_this

    def _verification(self, fields: dict[str, str]) -> dict[str, object]:
        try:
            told = self._asker.json(PATH, urlencode(fields).encode())
        except FetchFailed as error:
            status = error.facts.get("http_status")
            if status == HTTPStatus.BAD_REQUEST:  # malformed answers
                return {}
            raise CaptchaAway(f"{error.code} {status or ''}".strip()) from None
        except AvenueError as error:
            raise CaptchaAway(error.code) from None
        return told if isinstance(told, dict) else {}

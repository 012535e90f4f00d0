"""Stand-ins for `siteverify` of Turnstile and hCaptcha, as their documentation says."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from flask import Flask, Response, request
from werkzeug.serving import make_server

from tests.threads import joined

SITE_KEY, SECRET = "1x0000-site-key-of-tests", "planted-s3cret-of-the-captcha"


@dataclass(frozen=True, kw_only=True)
class Solved:
    """What a widget was solved on."""

    hostname: str
    action: str = ""
    is_old: bool = False


@dataclass
class StandIn:
    """One service; `answers` says what it knows of each token, `first` what it answers before."""

    kind: str
    url: str = ""
    answers: dict[str, Solved] = field(default_factory=dict)
    first: list[Response] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    asked: list[dict[str, str]] = field(default_factory=list)

    def verdict(self, sent: dict[str, str]) -> dict[str, Any]:
        wrong = self._wrong_request(sent)
        token = sent.get("response", "")
        solved = self.answers.get(token)
        if wrong or solved is None:
            return _wrong(wrong or "invalid-input-response")
        is_turnstile, was_used = self.kind == "turnstile", token in self.used
        self.used.add(token)
        if was_used:
            return _wrong("timeout-or-duplicate" if is_turnstile else "already-seen-response")
        if solved.is_old:
            return _wrong("timeout-or-duplicate" if is_turnstile else "expired-input-response")
        told: dict[str, Any] = {
            "success": True,
            "challenge_ts": "2026-02-28T15:14:30.096Z",
            "hostname": solved.hostname,
        }
        if is_turnstile:
            return {**told, "error-codes": [], "action": solved.action, "cdata": ""}
        return told

    def _wrong_request(self, sent: dict[str, str]) -> str:
        for name in ("secret", "response"):
            if not sent.get(name):
                return f"missing-input-{name}"
        if sent["secret"] != SECRET:
            return "invalid-input-secret"
        is_other = self.kind == "hcaptcha" and sent.get("sitekey", SITE_KEY) != SITE_KEY
        return "sitekey-secret-mismatch" if is_other else ""


def _wrong(code: str) -> dict[str, Any]:
    return {"success": False, "error-codes": [code]}


@contextmanager
def served(stand_in: StandIn) -> Iterator[StandIn]:
    app = Flask("stand-in")

    @app.post("/siteverify")
    def siteverify() -> Any:
        stand_in.asked.append(request.form.to_dict())
        if stand_in.first:
            return stand_in.first.pop(0)
        # hCaptcha takes forms only, Turnstile JSON as well.
        is_json = request.is_json and stand_in.kind == "turnstile"
        return stand_in.verdict(request.get_json() if is_json else request.form.to_dict())

    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    stand_in.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield stand_in
    finally:
        server.shutdown()
        joined(thread)
        server.server_close()

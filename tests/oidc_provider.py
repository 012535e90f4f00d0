"""An OpenID Connect provider of our own: does as it must, and lies where a test wants it."""

import base64
import contextlib
import hashlib
import hmac
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.mongod import free_port
from tests.threads import joined
from tests.waiting import DEADLINE_SECONDS

CLIENT_ID, CLIENT_SECRET = "avenue", "planted s3cret+of/the%client"
KID = "of-now"
Signed = Callable[[dict[str, Any]], str]


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _joined(header: dict[str, Any], claims: dict[str, Any]) -> str:
    return ".".join(b64(json.dumps(each).encode()) for each in (header, claims))


class Key:
    """An RSA key and the tokens it signs."""

    def __init__(self, kid: str = KID) -> None:
        self.kid, self._key = kid, rsa.generate_private_key(65537, 2048)

    @property
    def public(self) -> dict[str, Any]:
        numbers = self._key.public_key().public_numbers()
        size = (numbers.n.bit_length() + 7) // 8
        parts = {"n": b64(numbers.n.to_bytes(size)), "e": b64(numbers.e.to_bytes(3))}
        return {"kty": "RSA", "use": "sig", "kid": self.kid, **parts}

    def rs256(self, claims: dict[str, Any]) -> str:
        text = _joined({"alg": "RS256", "kid": self.kid}, claims)
        signature = self._key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{text}.{b64(signature)}"

    def hs256(self, claims: dict[str, Any]) -> str:
        """Signed with the public key as if it were shared (CVE-2016-5431 and its like)."""
        pem = self._key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        text = _joined({"alg": "HS256", "kid": self.kid}, claims)
        return f"{text}.{b64(hmac.digest(pem, text.encode(), 'sha256'))}"

    def none(self, claims: dict[str, Any]) -> str:
        return _joined({"alg": "none", "kid": self.kid}, claims) + "."


@dataclass
class StandIn:
    """A provider at `issuer`. What is in `lies` is said in place of the truth."""

    port: int
    key: Key = field(default_factory=Key)
    lies: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    signed: Signed | None = None
    elsewhere: dict[str, Any] | None = None
    """What only userinfo tells."""
    status: int = 200
    """What every question is answered with."""
    goes_on: threading.Event | None = None
    """No question is answered before that."""
    asked: list[str] = field(default_factory=list)
    _codes: dict[str, tuple[dict[str, str], dict[str, Any]]] = field(default_factory=dict)
    _tokens: dict[str, Any] = field(default_factory=dict)

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}/realms/shop"

    def be_honest(self) -> None:
        self.lies, self.metadata, self.signed, self.elsewhere = {}, {}, None, None
        self.status = 200
        if self.goes_on:
            self.goes_on.set()
        self.goes_on = None

    def authorized(self, url: str, **claims: Any) -> str:
        """What the browser brings back from `url`, once somebody has signed in there."""
        parts = urlsplit(url)
        assert parts.path.endswith("/authorize")
        asked = dict(parse_qsl(parts.query))
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        assert asked["client_id"] == CLIENT_ID
        code = secrets.token_urlsafe(16)
        self._codes[code] = (asked, claims)
        return urlencode({"code": code, "state": asked["state"], "iss": self.issuer})

    def answer(self, path: str, body: str, authorization: str) -> tuple[int, Any]:
        self.asked.append(path)
        if self.goes_on:
            self.goes_on.wait(DEADLINE_SECONDS)
        if self.status != 200:
            return self.status, {"error": "temporarily_unavailable"}
        match path.removeprefix("/realms/shop"):
            case "/.well-known/openid-configuration":
                names = {"token": "token_endpoint", "keys": "jwks_uri"}
                names |= {"authorize": "authorization_endpoint", "me": "userinfo_endpoint"}
                found = {name: f"{self.issuer}/{each}" for each, name in names.items()}
                return 200, {"issuer": self.issuer, **found, **self.metadata}
            case "/keys":
                shared = {"kty": "oct", "k": b64(b"shared"), "kid": "shared"}
                return 200, {"keys": [shared, self.key.public]}
            case "/token":
                return self._hand_out(dict(parse_qsl(body)), authorization)
            case "/me":
                return 200, self._tokens[authorization.removeprefix("Bearer ")]
        return 404, {}

    def _hand_out(self, sent: dict[str, str], authorization: str) -> tuple[int, Any]:
        pair = base64.b64decode(authorization.removeprefix("Basic ")).decode().split(":")
        known = [dict(parse_qsl(f"x={each}"))["x"] for each in pair]
        if known != [CLIENT_ID, CLIENT_SECRET]:
            return 401, {"error": "invalid_client"}
        asked, claims = self._codes.pop(sent["code"], ({}, {}))
        challenge = b64(hashlib.sha256(sent["code_verifier"].encode()).digest())
        if not asked or challenge != asked["code_challenge"]:
            return 400, {"error": "invalid_grant"}
        assert sent["redirect_uri"] == asked["redirect_uri"]
        now, access_token = int(time.time()), secrets.token_urlsafe(16)
        half = b64(hashlib.sha256(access_token.encode()).digest()[:16])
        times = {"iat": now, "exp": now + 300, "at_hash": half}
        known_as = {"iss": self.issuer, "aud": CLIENT_ID, "nonce": asked["nonce"], **times}
        said = {**known_as, **claims, **self.lies}
        said = {name: value for name, value in said.items() if value is not None}
        self._tokens[access_token] = {"sub": claims["sub"], **(self.elsewhere or {})}
        token = (self.signed or self.key.rs256)(said)
        return 200, {"access_token": access_token, "token_type": "Bearer", "id_token": token}


@contextlib.contextmanager
def a_provider() -> Iterator[StandIn]:
    while True:
        stand_in = StandIn(port=free_port())
        with contextlib.suppress(OSError):
            server = ThreadingHTTPServer(("127.0.0.1", stand_in.port), _handler(stand_in))
            break
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield stand_in
    finally:
        stand_in.be_honest()
        server.shutdown()
        joined(thread)
        server.server_close()


def _handler(stand_in: StandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer("")

        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            self._answer(self.rfile.read(length).decode())

        def _answer(self, body: str) -> None:
            authorization = self.headers.get("Authorization", "")
            status, told = stand_in.answer(self.path, body, authorization)
            sent = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Location", f"{stand_in.issuer}/elsewhere")  # of a redirect
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


def query_of(url: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(url).query)

"""Messages to browsers by Web Push: encryption of RFC 8291, signatures of RFC 8292 (VAPID).

The push service that delivers a message can read neither it nor its recipient. pywebpush is not
used because it connects by itself, so addresses in the private network could not be blocked, and
its http-ece has no wheels. The tests use the vectors of RFC 8291.
"""

import base64
import json
import secrets
import struct
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

CURVE = ec.SECP256R1()
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Of the curve P-256."""
POINT_BYTES, AUTH_BYTES, SALT_BYTES, NUMBER_BYTES = 65, 16, 16, 32
KEY_BYTES, NONCE_BYTES = 16, 12
RECORD_BYTES = 4096
MOST_BYTES = 3000
"""Of a message: push services accept 4,096, and a part of that is not the message."""
ENDS = b"\x02"
"""The end of the last record (RFC 8188, section 2)."""
TOKEN_SECONDS = 12 * 3600
"""The lifetime of a signature; RFC 8292 allows 24 hours at most."""
KEPT_SECONDS = 24 * 3600
"""How long a push service keeps a message while a browser is offline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """The subscription of a browser: its endpoint, and the keys to encrypt for it."""

    endpoint: str = field(repr=False)
    key: bytes = field(repr=False)
    auth: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """A request to the endpoint of a subscription."""

    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)


class VapidKey:
    """The key that identifies us to push services. It is derived from SECRET_KEY."""

    def __init__(self, secret_key: str, contact: str) -> None:
        """`contact` lets a push service contact the operators: `https:` or `mailto:`."""
        info = b"avenue: key of web push"
        drawn = HKDF(algorithm=SHA256(), length=48, salt=None, info=info).derive(
            secret_key.encode()
        )
        number = int.from_bytes(drawn, "big") % (ORDER - 1) + 1
        self._key = ec.derive_private_key(number, CURVE)
        self._contact = contact
        self.public = encoded(_point(self._key.public_key()))

    def authorization(self, endpoint: str, now: float) -> str:
        """Return the header that identifies the sender to the push service of `endpoint`."""
        parts = urlsplit(endpoint)
        claims = {
            "aud": f"{parts.scheme}://{parts.netloc}",
            "exp": int(now) + TOKEN_SECONDS,
            "sub": self._contact,
        }
        signed = f"{_json({'typ': 'JWT', 'alg': 'ES256'})}.{_json(claims)}"
        r, s = decode_dss_signature(self._key.sign(signed.encode(), ec.ECDSA(SHA256())))
        signature = encoded(r.to_bytes(NUMBER_BYTES, "big") + s.to_bytes(NUMBER_BYTES, "big"))
        return f"vapid t={signed}.{signature}, k={self.public}"

    def pushed(
        self, subscription: Subscription, message: bytes, now: Callable[[], float] = time.time
    ) -> Pushed:
        """Return the request that sends `message` to a browser; urgent, as it is about a fault."""
        headers = {
            "Authorization": self.authorization(subscription.endpoint, now()),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(KEPT_SECONDS),
            "Urgency": "high",
            "User-Agent": "Avenue",
        }
        return Pushed(body=encrypted(message, subscription), headers=headers)


def encrypted(
    message: bytes,
    subscription: Subscription,
    sender: ec.EllipticCurvePrivateKey | None = None,
    salt: bytes | None = None,
) -> bytes:
    """Return `message` encrypted for the browser of a subscription.

    `sender` and `salt` are random by default.
    """
    sender = sender or ec.generate_private_key(CURVE)
    salt = salt or secrets.token_bytes(SALT_BYTES)
    ours = _point(sender.public_key())
    theirs = ec.EllipticCurvePublicKey.from_encoded_point(CURVE, subscription.key)
    shared = sender.exchange(ec.ECDH(), theirs)
    secret = _derived(
        shared, subscription.auth, b"WebPush: info\x00" + subscription.key + ours, NUMBER_BYTES
    )
    key = _derived(secret, salt, b"Content-Encoding: aes128gcm\x00", KEY_BYTES)
    nonce = _derived(secret, salt, b"Content-Encoding: nonce\x00", NONCE_BYTES)
    head = salt + struct.pack("!IB", RECORD_BYTES, len(ours)) + ours
    return head + AESGCM(key).encrypt(nonce, message + ENDS, None)


def is_subscription(key: bytes, auth: bytes) -> bool:
    """Return whether these are valid keys of a subscription: a point of the curve, 16 bytes."""
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(CURVE, key)
    except ValueError:
        return False
    return len(key) == POINT_BYTES and len(auth) == AUTH_BYTES


def encoded(data: bytes) -> str:
    """Return base64url without padding, as browsers and tokens write it."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    """Return the bytes that `encoded` has encoded; b"" if the text is invalid."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return b""


def _derived(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(algorithm=SHA256(), length=length, salt=salt, info=info).derive(secret)


def _point(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def _json(facts: Mapping[str, object]) -> str:
    return encoded(json.dumps(facts, separators=(",", ":")).encode())

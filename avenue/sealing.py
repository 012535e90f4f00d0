"""Secrets that are stored: AES-256-GCM with a key made of SECRET_KEY.

So whoever reads the database, a backup of it or a list of jobs reads no secret, and a process with
the same SECRET_KEY, on whatever machine, opens them.
"""

import base64
import hashlib
import hmac
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from avenue.errors import Conflict

NONCE_BYTES = 12
KEY_BYTES = 32


class SecretLost(Conflict):
    """What has to be known was sealed with another SECRET_KEY."""

    code = "secret_lost"
    message = "SECRET_KEY has changed since this was started."
    hint = "Start it again."


class Sealing:
    """Seals texts so that only who has the same SECRET_KEY opens them, for the same purpose."""

    def __init__(self, secret_key: str, purpose: str = "secrets of jobs") -> None:
        self._key = _derived(secret_key, purpose.encode())
        self._marking = _derived(secret_key, b"marks of " + purpose.encode())

    def sealed(self, text: str) -> str:
        """Return `text` so that nobody else reads it; another form of it each time."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = AESGCM(self._key).encrypt(nonce, text.encode(), None)
        return base64.urlsafe_b64encode(nonce + sealed).decode()

    def opened(self, sealed: str) -> str:
        """Return the text; raise `SecretLost` when it was sealed with another SECRET_KEY."""
        try:
            data = base64.urlsafe_b64decode(sealed)
            return AESGCM(self._key).decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], None).decode()
        except (InvalidTag, ValueError):
            raise SecretLost from None

    def mark(self, text: str) -> str:
        """Return what is the same for the same text, and says nothing of it."""
        return hmac.new(self._marking, text.encode(), hashlib.sha256).hexdigest()


def _derived(secret_key: str, purpose: bytes) -> bytes:
    kdf = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=b"avenue: " + purpose)
    return kdf.derive(secret_key.encode())

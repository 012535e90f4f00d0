"""Encryption of stored secrets: AES-256-GCM with a key derived from SECRET_KEY.

So the database, a backup of it or a list of jobs reveals no secret, and any process with the same
SECRET_KEY can decrypt them.
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
    """A stored secret was encrypted with another SECRET_KEY."""

    message = "SECRET_KEY has changed since this was started."
    hint = "Start it again."


class Sealing:
    """Encrypts texts for one purpose; decryption needs the same SECRET_KEY and purpose."""

    def __init__(self, secret_key: str, purpose: str = "secrets of jobs") -> None:
        self._key = _derived(secret_key, purpose.encode())
        self._marking = _derived(secret_key, b"marks of " + purpose.encode())

    def sealed(self, text: str) -> str:
        """Return `text` encrypted; the result differs each time."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = AESGCM(self._key).encrypt(nonce, text.encode(), None)
        return base64.urlsafe_b64encode(nonce + sealed).decode()

    def opened(self, sealed: str) -> str:
        """Return the decrypted text.

        Raise `SecretLost` when it was encrypted with another SECRET_KEY.
        """
        try:
            data = base64.urlsafe_b64decode(sealed)
            return AESGCM(self._key).decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], None).decode()
        except (InvalidTag, ValueError):
            raise SecretLost from None

    def mark(self, text: str) -> str:
        """Return a keyed hash of a text, which reveals nothing about it."""
        data = text.encode("utf-8", "surrogatepass")
        return hmac.new(self._marking, data, hashlib.sha256).hexdigest()


def _derived(secret_key: str, purpose: bytes) -> bytes:
    kdf = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=b"avenue: " + purpose)
    return kdf.derive(secret_key.encode())

"""Password hashes of other applications: checked here once, then replaced with argon2.

bcrypt, argon2, PBKDF2 and scrypt, as Django, Werkzeug, passlib and their own libraries write them.
The cost parameters are limited, because the hashes come from elsewhere.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable

import bcrypt

MOST_ROUNDS = 2_000_000
MOST_SCRYPT_BYTES = 256 * 1024 * 1024
MOST_BCRYPT_COST = 15
MOST_ARGON2_KIB = 256 * 1024
MOST_ARGON2_ROUNDS = 20
BCRYPT_BYTES = 72
"""bcrypt uses no more of a password."""
_BCRYPT = re.compile(r"(?:bcrypt\$)?(\$2[abxy]\$([0-9]{2})\$[./A-Za-z0-9]{53})")
_BCRYPT_SHA256 = re.compile(r"bcrypt_sha256\$(\$2[abxy]\$([0-9]{2})\$[./A-Za-z0-9]{53})")
_DJANGO_PBKDF2 = re.compile(r"pbkdf2_(sha1|sha256)\$([0-9]{1,8})\$([^$]{1,128})\$([A-Za-z0-9+/=]+)")
_WERKZEUG_PBKDF2 = re.compile(
    r"pbkdf2:(sha1|sha256|sha512):([0-9]{1,8})\$([^$]{1,128})\$([0-9a-f]+)"
)
_PASSLIB_PBKDF2 = re.compile(
    r"\$pbkdf2(?:-(sha256|sha512))?\$([0-9]{1,8})\$([A-Za-z0-9./]+)\$([A-Za-z0-9./]+)"
)
_WERKZEUG_SCRYPT = re.compile(
    r"scrypt:([0-9]{1,8}):([0-9]{1,3}):([0-9]{1,3})\$([^$]{1,128})\$([0-9a-f]+)"
)
_DJANGO_SCRYPT = re.compile(
    r"scrypt\$([^$]{1,128})\$([0-9]{1,8})\$([0-9]{1,3})\$([0-9]{1,3})\$([A-Za-z0-9+/=]+)"
)
_PASSLIB_SCRYPT = re.compile(
    r"\$scrypt\$ln=([0-9]{1,2}),r=([0-9]{1,3}),p=([0-9]{1,3})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)"
)
_ARGON2 = re.compile(
    r"(?:argon2)?(\$argon2(?:id|i|d)\$(?:v=[0-9]+\$)?m=([0-9]{1,8}),t=([0-9]{1,4}),p=[0-9]{1,3}"
    r"\$[A-Za-z0-9+/]+\$[A-Za-z0-9+/]+)"
)


_Check = Callable[[bytes], bool]
"""Returns whether the bytes of a password match a hash."""


def is_known(stored: str) -> bool:
    """Return whether a hash is of a supported form."""
    return argon2_of(stored) is not None or _check_of(stored) is not None


def argon2_of(stored: str) -> str | None:
    """Return the argon2 text in `stored`, None when it is none or too expensive."""
    found = _ARGON2.fullmatch(stored)
    if found is None:
        return None
    fits = int(found[2]) <= MOST_ARGON2_KIB and int(found[3]) <= MOST_ARGON2_ROUNDS
    return found[1] if fits else None


def is_right(stored: str, password: str) -> bool:
    """Return whether `password`, as typed, matches `stored`, which is not argon2."""
    check = _check_of(stored)
    if check is None:
        return False
    try:
        return check(password.encode("utf-8", "surrogatepass"))
    except (ValueError, OverflowError, MemoryError):  # parameters that the library rejects
        return False


def _check_of(stored: str) -> _Check | None:
    for pattern, reader in _READERS:
        found = pattern.fullmatch(stored)
        if found is not None:
            return reader(found)
    return None


def _bcrypt(found: re.Match[str]) -> _Check | None:
    return _bcrypt_of(found, lambda password: password[:BCRYPT_BYTES])


def _bcrypt_sha256(found: re.Match[str]) -> _Check | None:
    """Django's: bcrypt of the hash, so that long passwords count whole."""
    return _bcrypt_of(found, lambda password: hashlib.sha256(password).hexdigest().encode())


def _bcrypt_of(found: re.Match[str], prepared: Callable[[bytes], bytes]) -> _Check | None:
    if int(found[2]) > MOST_BCRYPT_COST:
        return None
    hashed = found[1].replace("$2y$", "$2b$", 1).replace("$2x$", "$2b$", 1).encode()

    def is_right(password: bytes) -> bool:
        return b"\x00" not in password and bcrypt.checkpw(prepared(password), hashed)

    return is_right


def _pbkdf2(method: str, rounds: int, salt: bytes, wanted: bytes | None) -> _Check | None:
    if not wanted or not 0 < rounds <= MOST_ROUNDS:
        return None

    def is_right(password: bytes) -> bool:
        made = hashlib.pbkdf2_hmac(method, password, salt, rounds, len(wanted))
        return hmac.compare_digest(made, wanted)

    return is_right


def _scrypt(n: int, r: int, p: int, salt: bytes, wanted: bytes | None) -> _Check | None:
    needed = 128 * n * r * max(p, 1)
    if not wanted or needed > MOST_SCRYPT_BYTES or n < 2 or n & (n - 1):  # noqa: PLR2004
        return None

    def is_right(password: bytes) -> bool:
        room = 2 * MOST_SCRYPT_BYTES
        made = hashlib.scrypt(password, salt=salt, n=n, r=r, p=p, maxmem=room, dklen=len(wanted))
        return hmac.compare_digest(made, wanted)

    return is_right


def _django_pbkdf2(found: re.Match[str]) -> _Check | None:
    return _pbkdf2(found[1], int(found[2]), found[3].encode(), _base64(found[4]))


def _werkzeug_pbkdf2(found: re.Match[str]) -> _Check | None:
    return _pbkdf2(found[1], int(found[2]), found[3].encode(), _hex(found[4]))


def _passlib_pbkdf2(found: re.Match[str]) -> _Check | None:
    salt = _base64(found[3].replace(".", "+"))
    wanted = _base64(found[4].replace(".", "+"))
    return _pbkdf2(found[1] or "sha1", int(found[2]), salt or b"", wanted)


def _werkzeug_scrypt(found: re.Match[str]) -> _Check | None:
    n, r, p = int(found[1]), int(found[2]), int(found[3])
    return _scrypt(n, r, p, found[4].encode(), _hex(found[5]))


def _django_scrypt(found: re.Match[str]) -> _Check | None:
    n, r, p = int(found[2]), int(found[3]), int(found[4])
    return _scrypt(n, r, p, found[1].encode(), _base64(found[5]))


def _passlib_scrypt(found: re.Match[str]) -> _Check | None:
    rounds = 1 << min(int(found[1]), 31)
    return _scrypt(
        rounds, int(found[2]), int(found[3]), _base64(found[4]) or b"", _base64(found[5])
    )


def _base64(text: str) -> bytes | None:
    try:
        return base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4))
    except (binascii.Error, ValueError):
        return None


def _hex(text: str) -> bytes | None:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return None


_READERS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], _Check | None]], ...] = (
    (_BCRYPT, _bcrypt),
    (_BCRYPT_SHA256, _bcrypt_sha256),
    (_DJANGO_PBKDF2, _django_pbkdf2),
    (_WERKZEUG_PBKDF2, _werkzeug_pbkdf2),
    (_PASSLIB_PBKDF2, _passlib_pbkdf2),
    (_WERKZEUG_SCRYPT, _werkzeug_scrypt),
    (_DJANGO_SCRYPT, _django_scrypt),
    (_PASSLIB_SCRYPT, _passlib_scrypt),
)

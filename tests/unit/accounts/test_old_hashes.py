"""Passwords as other applications keep them."""

import base64
import hashlib

import bcrypt
from argon2 import PasswordHasher
from werkzeug.security import generate_password_hash

from avenue.accounts.old_hashes import is_known
from avenue.accounts.passwords import Passwords
from tests.table import table

PASSWORD = "contraseña única"
RAW = PASSWORD.encode()
SALT = b"sal de mar 1234."
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
OTHER = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1)
BCRYPT = bcrypt.hashpw(RAW, bcrypt.gensalt(4)).decode()


def base(data: bytes) -> str:
    return base64.b64encode(data).decode()


def adapted(data: bytes) -> str:
    """As passlib writes base64."""
    return base(data).rstrip("=").replace("+", ".")


PBKDF2 = hashlib.pbkdf2_hmac("sha256", RAW, SALT, 100)
SCRYPT = hashlib.scrypt(RAW, salt=SALT, n=16, r=8, p=1, dklen=64)
ROWS = [
    ("bcrypt", BCRYPT),
    ("bcrypt of PHP", BCRYPT.replace("$2b$", "$2y$")),
    ("bcrypt of Django", f"bcrypt${BCRYPT}"),
    (
        "bcrypt of a hash",
        "bcrypt_sha256$"
        + bcrypt.hashpw(hashlib.sha256(RAW).hexdigest().encode(), bcrypt.gensalt(4)).decode(),
    ),
    ("argon2 with other parameters", OTHER.hash(RAW)),
    ("argon2 of Django", "argon2" + OTHER.hash(RAW)),
    ("PBKDF2 of Django", f"pbkdf2_sha256$100${SALT.decode()}${base(PBKDF2)}"),
    ("PBKDF2 of Werkzeug", generate_password_hash(PASSWORD, "pbkdf2:sha512:100")),
    ("PBKDF2 of passlib", f"$pbkdf2-sha256$100${adapted(SALT)}${adapted(PBKDF2)}"),
    ("scrypt of Werkzeug", generate_password_hash(PASSWORD, "scrypt:1024:8:1")),
    ("scrypt of Django", f"scrypt${SALT.decode()}$16$8$1${base(SCRYPT)}"),
    (
        "scrypt of passlib",
        f"$scrypt$ln=4,r=8,p=1${base(SALT).rstrip('=')}${base(SCRYPT).rstrip('=')}",
    ),
]


@table("name, stored", ROWS)
def test_a_password_in_every_form_opens_and_another_does_not(name: str, stored: str) -> None:
    passwords = Passwords(hasher=QUICK)
    assert is_known(stored), name
    assert passwords.verify(stored, PASSWORD)
    assert not passwords.verify(stored, PASSWORD + "x")
    assert not passwords.is_current(stored)


@table(
    "stored",
    [
        "",
        "hunter2",
        "5f4dcc3b5aa765d61d8327deb882cf99",
        "pbkdf2_sha256$99999999$a$YQ==",  # hours
        "scrypt:16777216:64:64$a$00",  # gigabytes
        "scrypt:15:8:1$a$00",  # no power of two
        "$2b$31$" + "a" * 53,
        "$argon2id$v=19$m=99999999,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2g",
        "!unusable",
    ],
)
def test_what_nobody_can_check_or_costs_too_much_opens_nothing(stored: str) -> None:
    assert not is_known(stored)
    assert not Passwords(hasher=QUICK).verify(stored, stored)

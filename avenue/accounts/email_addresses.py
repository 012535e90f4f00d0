"""Normalisation of email addresses."""

import re
import unicodedata

from avenue.accounts.errors import InvalidEmail

MOST_EMAIL_CHARACTERS = 254  # RFC 5321, section 4.5.3.1.3, without the angle brackets
EMAIL_PATTERN = re.compile(r"[^@\s\x00-\x1f\x7f\ud800-\udfff]+@[^@\s\x00-\x1f\x7f\ud800-\udfff]+")


def normal_email(email: str) -> str:
    """Return the normalised email."""
    return unicodedata.normalize("NFKC", email).strip().lower()


def is_in_one_spelling(email: str) -> bool:
    """Return whether `normal_email` changes nothing but the case."""
    return unicodedata.normalize("NFKC", email) == email


def checked_email(email: str) -> str:
    """Return the normalised email; raise `InvalidEmail` for an invalid one."""
    # Also limited before composition, which takes quadratic time for a run of combining marks.
    normal = normal_email(email.strip()[: MOST_EMAIL_CHARACTERS + 1])
    if len(normal) > MOST_EMAIL_CHARACTERS or not EMAIL_PATTERN.fullmatch(normal):
        raise InvalidEmail
    return normal

"""The theme of a site's public pages, with menu, footer links and contact details.

An administrator's values are shown to everyone, so each is one of a few choices or has one safe
form: everything read from a form or from the database is validated here.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

MOST_LINKS = 12
"""The most links of a menu, so that it fits on a phone."""
LONGEST_LABEL = 40
LONGEST_TARGET = 500
LONGEST_ADDRESS = 300
LEAST_DIGITS, MOST_DIGITS = 6, 15
"""Length of a phone number (ITU-T E.164 has at most 15 digits)."""

_PATH = r"(?:[/?#][A-Za-z0-9._~!$&'()*+,;=:@%/?#-]*)?"
_HOST = r"[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,8}"
_EMAIL = re.compile(r"[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}")
_PHONE = re.compile(r"\+?[0-9(][0-9 ().-]{4,30}")
_OWN_PATH = re.compile(r"/(?![/\\])[A-Za-z0-9._~!$&'()*+,;=:@%/?#-]*")
_URL = re.compile(rf"https?://{_HOST}(?::[0-9]{{1,5}})?{_PATH}")
_PROFILE = re.compile(rf"https://(?P<host>{_HOST}){_PATH}")
_HANDLE = re.compile(r"@?(?P<name>[A-Za-z0-9._-]{1,60})")


class Font(StrEnum):
    """A typeface: that of the reader's system, or one that comes with Avenue."""

    SYSTEM = "system"
    FIGTREE = "figtree"
    INTER = "inter"
    SOURCE_SERIF = "source-serif-4"


class Size(StrEnum):
    """The size of texts, distances or the width of lines."""

    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"


class Corners(StrEnum):
    """The corners of buttons."""

    SQUARE = "square"
    ROUNDED = "rounded"
    PILL = "pill"


class Scheme(StrEnum):
    """Light or dark pages, or the preference of the reader's system."""

    LIGHT = "light"
    DARK = "dark"
    AUTO = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class Theme:
    """The theme of a site; its colours are `Site.colors`. A `measure` is the width of a line."""

    headings: Font = Font.SYSTEM
    text: Font = Font.SYSTEM
    size: Size = Size.MEDIUM
    spacing: Size = Size.MEDIUM
    measure: Size = Size.MEDIUM
    buttons: Corners = Corners.ROUNDED
    scheme: Scheme = Scheme.LIGHT


CHOICES: Mapping[str, type[StrEnum]] = {
    "headings": Font,
    "text": Font,
    "size": Size,
    "spacing": Size,
    "measure": Size,
    "buttons": Corners,
    "scheme": Scheme,
}
"""The choices of each field of `Theme`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A menu entry: its text and its target (see `is_target`)."""

    label: str
    to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A network with profiles of shops; `before` precedes a name in its URLs."""

    title: str
    host: str
    before: str = ""


NETWORKS: Mapping[str, Network] = {
    "instagram": Network(title="Instagram", host="instagram.com"),
    "facebook": Network(title="Facebook", host="facebook.com"),
    "tiktok": Network(title="TikTok", host="tiktok.com", before="@"),
    "youtube": Network(title="YouTube", host="youtube.com", before="@"),
    "x": Network(title="X", host="x.com"),
    "linkedin": Network(title="LinkedIn", host="linkedin.com", before="company/"),
}
CONTACT = ("email", "phone", "whatsapp", "address", *NETWORKS)
"""The names of contact details."""


def is_target(text: str) -> bool:
    """Return whether this is a valid menu target: a local path, http(s), `mailto:` or `tel:`."""
    scheme, _, rest = text.partition(":")
    if len(text) > LONGEST_TARGET:
        return False
    if scheme == "mailto":
        return is_email(rest)
    if scheme == "tel":
        return is_phone(rest)
    return bool(_OWN_PATH.fullmatch(text) or _URL.fullmatch(text))


def is_email(text: str) -> bool:
    """Return whether `text` is an email address to which a link could add nothing."""
    return bool(_EMAIL.fullmatch(text))


def is_phone(text: str) -> bool:
    """Return whether `text` is a phone number as people write it."""
    return bool(_PHONE.fullmatch(text)) and LEAST_DIGITS <= len(digits(text)) <= MOST_DIGITS


def is_whatsapp(text: str) -> bool:
    """Return whether `text` is a phone number with a country code (`+595 …`)."""
    return text.startswith("+") and is_phone(text)


def digits(phone: str) -> str:
    """Return the digits of a phone number."""
    return "".join(each for each in phone if each in "0123456789")


def is_postal_address(text: str) -> bool:
    """Return whether `text` can be a postal address: some lines of text."""
    return 0 < len(text) <= LONGEST_ADDRESS and all(
        each.isprintable() or each == "\n" for each in text
    )


def profile(network: str, text: str) -> str | None:
    """Return the URL of a profile, given that or its name as `@shoes`; None if invalid."""
    known = NETWORKS[network]
    if named := _HANDLE.fullmatch(text):
        return f"https://www.{known.host}/{known.before}{named['name']}"
    found = _PROFILE.fullmatch(text) if len(text) <= LONGEST_TARGET else None
    host = found["host"].lower() if found else ""
    return text if host == known.host or host.endswith(f".{known.host}") else None


_CHECKS: Mapping[str, Callable[[str], bool]] = {
    "email": is_email,
    "phone": is_phone,
    "whatsapp": is_whatsapp,
    "address": is_postal_address,
}


def checked_contact(name: str, text: str) -> str | None:
    """Return the stored form of `text` as the contact detail `name`; None if invalid."""
    if name in NETWORKS:
        return profile(name, text)
    return text if _CHECKS[name](text) else None


# Reading stored values


def theme_of(stored: Mapping[str, Any]) -> Theme:
    """Return a stored theme; missing or unknown values get their default."""
    known: dict[str, Any] = {
        name: kind(stored[name]) for name, kind in CHOICES.items() if stored.get(name) in [*kind]
    }
    return Theme(**known)


def links_of(stored: Iterable[Mapping[str, Any]]) -> tuple[Link, ...]:
    """Return stored links, without those with an invalid target."""
    found = (Link(label=each["label"], to=each["to"]) for each in stored)
    return tuple(each for each in found if each.label and is_target(each.to))[:MOST_LINKS]


def contact_of(stored: Mapping[str, str]) -> Mapping[str, str]:
    """Return valid stored contact details by name."""
    found = {name: checked_contact(name, stored[name]) for name in CONTACT if stored.get(name)}
    return {name: text for name, text in found.items() if text}

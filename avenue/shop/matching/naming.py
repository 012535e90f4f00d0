"""Parses a file's path to a SKU and a number.

`SKU.jpg`, `SKU-2.jpg`, `SKU_2.jpg` and `SKU/1.jpg`, in any folders, and the names of copies: `SKU
(2).jpg`, `SKU 2.jpg`, `SKU - Copy.jpg`, `SKU copia 2.jpg`. Case and accents are ignored, because
file systems change both; so are characters that file names cannot contain, which people replace by
a dash or an underscore.
"""

import re
import unicodedata
from dataclasses import dataclass

from avenue.words import folded

NOT_IN_A_NAME = re.compile(r'[\x00-\x1f/\\:*?"<>|]')
LONGEST_STEM = 200
NUMBERED = re.compile(r"(.+)[-_]([0-9]{1,3})", re.DOTALL)
COPIED = re.compile(
    r"(.+?)(?P<copy>(?: -)? cop(?:y|ia))?"
    r"(?: ?\((?P<in_brackets>[0-9]{1,3})\)| (?P<bare>[0-9]{1,3}))?",
    re.DOTALL | re.IGNORECASE,
)
NUMBER = re.compile(r"[0-9]{1,3}")
SPACES = re.compile(r"\s+")
PICTURES = frozenset({"jpg", "jpeg", "jfif", "png", "webp"})


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of a path: the key of the SKU (`keys_of`), and the picture's number."""

    key: str
    position: int


def keys_of(sku: str) -> frozenset[str]:
    """Return the keys of file names that match `sku`."""
    plain = _plain(sku)
    return frozenset(NOT_IN_A_NAME.sub(sign, plain) for sign in "-_")


def readings_of(path: str) -> list[Reading]:
    """Return each reading of a path, the SKU alone first; none if it is far too long."""
    *folders, name = path.split("/")
    stem = name.rpartition(".")[0] or name
    if len(stem) > LONGEST_STEM:
        return []
    readings = [Reading(key, 1) for key in sorted(keys_of(stem))]
    if numbered := NUMBERED.fullmatch(stem):
        position = int(numbered[2])
        readings += [Reading(key, position) for key in sorted(keys_of(numbered[1]))]
    if (copied := COPIED.fullmatch(stem)) and copied[1] != stem:
        number = int(copied["in_brackets"] or copied["bare"] or 1)
        position = number + 1 if copied["copy"] else number  # the first copy is the second picture
        readings += [Reading(key, position) for key in sorted(keys_of(copied[1]))]
    if folders and len(folders[-1]) <= LONGEST_STEM and NUMBER.fullmatch(stem):
        readings += [Reading(key, int(stem)) for key in sorted(keys_of(folders[-1]))]
    return readings


def is_picture(path: str) -> bool:
    """Return whether a file's name has the extension of an allowed picture type."""
    return path.rpartition(".")[2].lower() in PICTURES


def _plain(text: str) -> str:
    composed = unicodedata.normalize("NFC", folded(text))
    return SPACES.sub(" ", composed).strip(" .")

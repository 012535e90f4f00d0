"""Which SKU and which number a file's path can mean.

`SKU.jpg`, `SKU-2.jpg`, `SKU_2.jpg` and `SKU/1.jpg`, in whatever folders, and copies as systems name
them: `SKU (2).jpg`, `SKU 2.jpg`, `SKU - Copy.jpg`, `SKU copia 2.jpg`. Case and accents do not
matter, for file systems change both; nor do characters that file names cannot hold, for which
people write a dash or a low line.
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
    """One way to read a path: what the SKU looks like (`keys_of`), and the picture's number."""

    key: str
    position: int


def keys_of(sku: str) -> frozenset[str]:
    """Return what file names that mean `sku` look like."""
    plain = _plain(sku)
    return frozenset(NOT_IN_A_NAME.sub(sign, plain) for sign in "-_")


def readings_of(path: str) -> list[Reading]:
    """Return each way to read a path, the SKU alone first; none where it is far too long."""
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
    """Tell whether a file's name says that it is a picture of a type that products take."""
    return path.rpartition(".")[2].lower() in PICTURES


def _plain(text: str) -> str:
    composed = unicodedata.normalize("NFC", folded(text))
    return SPACES.sub(" ", composed).strip(" .")

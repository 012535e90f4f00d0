"""Maintained by hand: versions with known vulnerabilities, and MongoDB's support dates."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

Version = tuple[int, ...]
_NUMBERS = re.compile(r"[0-9]+")


@dataclass(frozen=True, slots=True)
class Fixed:
    """The lowest version without a known vulnerability, and the advisory of the last one fixed."""

    version: str
    advisory: str


PACKAGES: Mapping[str, Fixed] = MappingProxyType(
    {
        "babel": Fixed("2.9.1", "CVE-2021-42771"),
        "dnspython": Fixed("2.6.1", "CVE-2023-29483"),
        "flask": Fixed("3.1.3", "GHSA-68rp-wp8r-4726"),
        "gunicorn": Fixed("23.0.0", "GHSA-hc5x-x2vx-497g"),
        "jinja2": Fixed("3.1.6", "GHSA-cpwx-vrp4-4pq7"),
        "pillow": Fixed("12.3.0", "GHSA-jjj6-mw9f-p565"),
        # Bundles libheif 1.23.6; 1.23.5 fixed the last known vulnerabilities.
        "pillow-heif": Fixed("1.8.1", "GHSA-v8qw-hwjv-44hw"),
        "pymongo": Fixed("4.18.2", "GHSA-v4x9-3549-crwv"),
        "werkzeug": Fixed("3.1.6", "GHSA-29vq-49wr-vm6x"),
    }
)
"""The packages in requirements.txt, by name. Checked in November 2026 in the GitHub Advisory
Database and the release notes of each."""

LEAST_MONGODB = (6, 0)
MONGODB: Mapping[Version, Fixed] = MappingProxyType(
    {
        (6, 0): Fixed("6.0.27", "CVE-2025-14847"),
        (7, 0): Fixed("7.0.43", "CVE-2026-89099"),
        (8, 0): Fixed("8.0.32", "CVE-2026-89099"),
        (8, 3): Fixed("8.3.11", "CVE-2026-89099"),
    }
)
"""By series. Checked in November 2026."""

MONGODB_ENDS: Mapping[Version, date] = MappingProxyType(
    {
        (6, 0): date(2025, 7, 31),
        (7, 0): date(2027, 8, 31),
        (8, 0): date(2029, 10, 31),
        (8, 1): date(2025, 9, 30),
        (8, 2): date(2026, 7, 31),
    }
)
"""The end of support of a series: https://www.mongodb.com/legal/support-policy/lifecycles"""


def hole_in(version: str) -> Fixed | None:
    """Return the known vulnerability of this MongoDB, or None."""
    number = version_in(version)
    fixed = MONGODB.get(number[:2])
    return fixed if fixed and number < version_in(fixed.version) else None


def version_in(text: str) -> Version:
    """Return the numbers of a version, as (6, 0, 5) of `6.0.5`."""
    return tuple(map(int, _NUMBERS.findall(text)[:3]))

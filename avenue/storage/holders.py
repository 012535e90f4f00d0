"""Whose stored files have a quota, and how much that is."""

from dataclasses import dataclass

COUNT_QUOTAS = "count_quotas"
"""The job that counts all holders, or the one in `holder`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """A number of bytes and files; `more`: there are others, which were not counted."""

    bytes: int = 0
    files: int = 0
    more: bool = False

    def __bool__(self) -> bool:
        """Return whether it is not zero."""
        return bool(self.bytes or self.files)

    def __add__(self, other: "Amount") -> "Amount":
        """Return the sum."""
        return Amount(
            bytes=self.bytes + other.bytes,
            files=self.files + other.files,
            more=self.more or other.more,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A site, or with its id a person in it."""

    site: str
    person: str | None = None

    @property
    def id(self) -> str:
        """The `_id` of its document."""
        return self.site if self.person is None else f"{self.site}/{self.person}"

    @classmethod
    def of(cls, holder_id: str) -> "Holder":
        """Return the holder with this `id`."""
        site_id, _, person = holder_id.partition("/")
        return cls(site=site_id, person=person or None)

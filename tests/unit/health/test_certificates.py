"""The certificates of the sites: each host is asked once, and silence forgets nothing."""

from datetime import UTC, datetime
from typing import Any

from avenue.health.facts.certificates import Certificates
from avenue.identity import Site, SiteState
from avenue.outside.errors import AddressNotAllowed, NoAnswer

SOON, LATER = datetime(2026, 12, 1, tzinfo=UTC), datetime(2027, 3, 1, tzinfo=UTC)


class Kept:
    """What is remembered."""

    def __init__(self) -> None:
        self.ends: dict[str, datetime] = {}

    def certificates(self) -> dict[str, datetime]:
        return self.ends

    def keep_certificates(self, ends: dict[str, datetime]) -> None:
        self.ends = dict(ends)


def site(name: str, url: str, **facts: Any) -> Site:
    return Site(id=name, hosts=(), base_url=url, name=name, **facts)


def test_hosts_are_asked_once_and_what_is_known_stays() -> None:
    kept, asked = Kept(), []
    answers: dict[str, datetime | Exception] = {
        "https://a.example": SOON,
        "https://b.example": NoAnswer(reason="unreachable"),
        "https://c.example": AddressNotAllowed(),
    }

    def ask(url: str) -> datetime:
        asked.append(url)
        answer = answers[url]
        if isinstance(answer, Exception):
            raise answer
        return answer

    sites = [
        *(site(name, f"https://{name}.example") for name in "abc"),
        site("same", "https://a.example"),
        site("plain", "http://d.example"),
        site("gone", "https://e.example", state=SiteState.REMOVED),
    ]
    kept.ends = {"b": LATER, "of nobody": LATER}
    looked = Certificates(kept, ask).look(sites)  # type: ignore[arg-type]
    assert looked == {"asked": 3, "answered": 1}
    assert asked == [f"https://{name}.example" for name in "abc"]
    assert kept.ends == {"a": SOON, "same": SOON, "b": LATER}

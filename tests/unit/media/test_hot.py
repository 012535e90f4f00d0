"""An answer at hand is given only to the host of the picture's own site."""

from datetime import UTC, datetime

import pytest

from avenue.identity import Site
from avenue.media.cache import AssetCache, ByteCache, Place
from avenue.media.conditional import Facts
from avenue.media.hot import Candidate, HotAnswer, HotPictures
from tests.unit.media.test_cache import ASSET

HOST, PATH = "a.example", "/media/x"
AT = datetime(2026, 1, 31, tzinfo=UTC)


def site(name: str) -> Site:
    return Site(id=name, hosts=(), base_url=f"https://{name}.example", name=name)


@pytest.mark.parametrize(
    ("owner", "found"), [(site(ASSET.site), True), (site("other"), False), (None, False)]
)
def test_a_host_that_has_become_anothers_is_given_nothing(owner: Site | None, found: bool) -> None:
    cache, known = ByteCache(100_000), AssetCache(30)
    known.put(ASSET)
    cache.put("bytes", b"abc")
    pictures = HotPictures(cache, known, {HOST: owner}.get)
    facts = Facts(etag="e", modified_at=AT, length=3, unchanging=True)
    place = Place("bytes", lambda: None)
    candidate = Candidate(asset=ASSET, facts=facts, place=place, route="/media", withheld=())
    pictures.keep(HOST, PATH, HotAnswer(candidate=candidate, headers=()))
    assert (pictures.find(HOST, PATH) is not None) is found
    assert (pictures.prepared(HOST, PATH) is not None) is found

"""Answers at hand are given to the hosts of the picture's own site, with their own bytes only."""

import hashlib
from datetime import UTC, datetime

import pytest

from avenue.identity import Site
from avenue.media.renditions.models import KeptRendition, RenditionKey
from avenue.media.serving.cache import AssetCache, ByteCache, Place
from avenue.media.serving.conditional import Facts
from avenue.media.serving.response_cache import CachedResponse, Candidate, ResponseCache
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
    pictures = ResponseCache(cache, known, {HOST: owner}.get)
    facts = Facts(etag="e", modified_at=AT, length=3, unchanging=True)
    place = Place("bytes", lambda: None)
    candidate = Candidate(asset=ASSET, facts=facts, place=place, route="/media", withheld=())
    pictures.keep(HOST, PATH, CachedResponse(candidate=candidate, headers=()))
    assert (pictures.find(HOST, PATH) is not None) is found


def rendition(data: bytes) -> KeptRendition:
    return KeptRendition(
        key=RenditionKey(asset=ASSET.id, token="t", variant="thumb", extension="webp"),
        file="f",
        data=data,
        width=1,
        height=1,
        sha256=hashlib.sha256(data).hexdigest(),
        made_at=AT,
    )


@pytest.mark.parametrize("cache_bytes", [0, 100_000])
def test_a_rendition_that_was_made_anew_is_no_part_of_the_old_answer(cache_bytes: int) -> None:
    """It would be longer or shorter than the answer says, and another one than its tag says."""
    cache, known = ByteCache(cache_bytes), AssetCache(30)
    known.put(ASSET)
    stored = [rendition(b"as it was")]
    pictures = ResponseCache(cache, known, {HOST: site(ASSET.site)}.get)
    facts = Facts(etag=stored[0].sha256[:32], modified_at=AT, length=9, unchanging=True)
    place = Place("bytes", lambda: stored[-1])
    candidate = Candidate(asset=ASSET, facts=facts, place=place, route="/media", withheld=())
    pictures.keep(HOST, PATH, CachedResponse(candidate=candidate, headers=()))
    assert body_of(pictures) == b"as it was"
    stored.append(rendition(b"made anew, and longer"))
    cache.put(place.key, stored[-1])
    assert body_of(pictures) is None


def body_of(pictures: ResponseCache) -> bytes | None:
    answer = pictures.find(HOST, PATH)
    assert answer
    read = pictures.read(HOST, PATH, answer)
    assert read is None or read[0] is answer
    return pictures.at_hand(answer) or (read and read[1])


def test_what_is_removed_while_a_thread_is_waited_for_is_not_read() -> None:
    known, asked = AssetCache(30), []
    known.put(ASSET)
    pictures = ResponseCache(ByteCache(0), known, {HOST: site(ASSET.site)}.get)
    facts = Facts(etag="e", modified_at=AT, length=3, unchanging=True)
    place = Place("bytes", lambda: asked.append(1) or b"abc")
    candidate = Candidate(asset=ASSET, facts=facts, place=place, route="/media", withheld=())
    pictures.keep(HOST, PATH, CachedResponse(candidate=candidate, headers=()))
    answer = pictures.find(HOST, PATH)
    assert answer
    assert (pictures.read(HOST, PATH, answer), asked) == ((answer, b"abc"), [1])
    known.forget(ASSET.site, ASSET.id)
    assert (pictures.read(HOST, PATH, answer), asked) == (None, [1])


def test_what_was_looked_for_in_vain_is_the_ordinary_paths_until_that_has_found_it() -> None:
    known, looked = AssetCache(30), []
    known.put(ASSET)
    here = {HOST: site(ASSET.site)}
    pictures = ResponseCache(
        ByteCache(0), known, here.get, look=lambda *asked: looked.append(asked)
    )
    look = pictures.cold_read(HOST, PATH)
    assert look
    assert (look(), looked) == (None, [(here[HOST], PATH)])
    assert pictures.cold_read(HOST, PATH) is None
    assert pictures.cold_read(HOST, PATH + "y") is not None
    facts = Facts(etag="e", modified_at=AT, length=3, unchanging=True)
    place = Place("bytes", lambda: b"abc")
    candidate = Candidate(asset=ASSET, facts=facts, place=place, route="/media", withheld=())
    pictures.keep(HOST, PATH, CachedResponse(candidate=candidate, headers=()))
    assert pictures.cold_read(HOST, PATH) is not None


def test_there_is_no_end_of_what_is_looked_for_in_vain_but_of_what_is_remembered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("avenue.media.serving.response_cache.MOST_IN_VAIN", 3)
    pictures = ResponseCache(ByteCache(0), AssetCache(30), {HOST: site(ASSET.site)}.get)
    for number in range(10):
        look = pictures.cold_read(HOST, f"{PATH}{number}")
        assert look
        assert look() is None
    assert sum(pictures.cold_read(HOST, f"{PATH}{number}") is None for number in range(10)) <= 3


def test_a_host_that_has_become_anothers_meanwhile_is_not_looked_for() -> None:
    looked, sites = [], {HOST: site(ASSET.site)}
    pictures = ResponseCache(
        ByteCache(0), AssetCache(30), sites.get, look=lambda *asked: looked.append(asked)
    )
    look = pictures.cold_read(HOST, PATH)
    assert look
    sites[HOST] = site("other")
    assert look() is None
    assert looked == [(sites[HOST], PATH)]
    later = pictures.cold_read(HOST, PATH + "y")
    assert later
    del sites[HOST]
    assert later() is None
    assert len(looked) == 1
    sites[HOST] = site("other")
    assert pictures.cold_read(HOST, PATH + "y")  # it was not looked for


def test_for_a_host_of_nobody_nothing_is_looked_for() -> None:
    pictures = ResponseCache(ByteCache(0), AssetCache(30), {}.get)
    assert pictures.cold_read(HOST, PATH) is None

"""The rules of signed links: what is signed is everything, and nothing else is good."""

import hmac
from dataclasses import replace

import pytest
from hypothesis import assume, given, strategies as st

from avenue.media.signing import signatures
from avenue.media.signing.signatures import (
    WINDOWS,
    Grant,
    Key,
    derived,
    expiry,
    is_signed,
    presented,
    query_of,
)
from tests.table import table

KEY = Key(id="3", secret=bytes(range(32)))
GRANT = Grant(
    site="default",
    epoch=2,
    path="/media/iM4gE5xQ7rT9yU1oP3aSdw/069c5dd88d7b/thumb.webp",
    download=True,
    expires=1_790_000_000,
)
OTHERS = {
    "site": "other",
    "epoch": 3,
    "path": "/media/iM4gE5xQ7rT9yU1oP3aSdw/069c5dd88d7b/thumb.jpg",
    "download": False,
    "expires": 1_790_000_001,
}

texts = st.text(max_size=80)
keys = st.builds(
    Key,
    id=st.integers(1, 999_999_999).map(str),
    secret=st.binary(min_size=32, max_size=32),
)
grants = st.builds(
    Grant,
    site=texts,
    epoch=st.integers(0, 2**31),
    path=texts,
    download=st.booleans(),
    expires=st.integers(1, 10**12 - 1),
)


def good(query: str, grant: Grant, key: Key) -> bool:
    """Whether a query opens what `grant` says, when everything else is looked up by it."""
    shown = presented(query)
    if shown is None or shown.key != key.id:
        return False
    if (shown.download, shown.expires) != (grant.download, grant.expires):
        grant = replace(grant, download=shown.download, expires=shown.expires)
    return is_signed(shown, grant, key)


@given(grants, keys)
def test_what_was_signed_is_good(grant, key):
    query = query_of(grant, key)
    shown = presented(query)
    assert shown is not None
    assert (shown.download, shown.expires, shown.key) == (grant.download, grant.expires, key.id)
    assert is_signed(shown, grant, key)


@given(grants, grants, keys)
def test_what_was_signed_for_one_thing_is_good_for_no_other(grant, other, key):
    assume(grant != other)
    shown = presented(query_of(grant, key))
    assert shown is not None
    assert not is_signed(shown, other, key)


@given(grants, keys, keys)
def test_another_key_has_not_signed_it(grant, key, other):
    assume(key != other)
    shown = presented(query_of(grant, key))
    assert shown is not None
    assert not is_signed(shown, grant, other)


@given(grants, keys, st.data())
def test_a_link_is_good_to_the_character(grant, key, data):
    query = query_of(grant, key)
    at = data.draw(st.integers(0, len(query) - 1))
    other = data.draw(st.characters(exclude_characters=query[at]))
    for altered in (
        query[:at] + other + query[at + 1 :],  # another one instead
        query[:at] + query[at + 1 :],  # it is missing
        query[:at] + other + query[at:],  # one too many
        query[:at] + query[at] + query[at:],
    ):
        assert altered == query or not good(altered, grant, key), altered


@given(st.text(max_size=300))
def test_no_text_is_a_link_by_accident(text):
    shown = presented(text)
    assert shown is None or text.endswith(f"&s={shown.signature}")


@pytest.mark.parametrize("name", OTHERS)
def test_every_field_is_signed(name):
    shown = presented(query_of(GRANT, KEY))
    assert shown is not None
    assert is_signed(shown, GRANT, KEY)
    assert not is_signed(shown, replace(GRANT, **{name: OTHERS[name]}), KEY)
    assert set(OTHERS) == set(Grant.__slots__)


def test_the_last_character_has_one_spelling_only():
    """Its lowest two bits stand for nothing: as bytes, four signatures would be the same."""
    query = query_of(GRANT, KEY)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    spellings = [query[:-1] + each for each in alphabet]
    assert [each for each in spellings if good(each, GRANT, KEY)] == [query]


@table(
    "query",
    [
        "",
        "e={e}&k={k}",
        "e={e}&s={s}",
        "k={k}&s={s}",
        "k={k}&e={e}&s={s}",
        "e={e}&k={k}&s={s}&",
        "&e={e}&k={k}&s={s}",
        "e={e}&k={k}&s={s}\n",
        "e={e}&k={k}&s={s}&utm_source=letter",
        "e={e}&k={k}&s={s}&e={e}",
        "e={e}&e={e}&k={k}&s={s}",
        "e={e}&k={k}&s={s}&download=1",
        "download=0&e={e}&k={k}&s={s}",
        "download=1&download=1&e={e}&k={k}&s={s}",
        "e=+{e}&k={k}&s={s}",
        "e=0{e}&k={k}&s={s}",
        "e=-{e}&k={k}&s={s}",
        "e={e}.0&k={k}&s={s}",
        "e=١&k={k}&s={s}",
        "e=9999999999999&k={k}&s={s}",
        "e=&k={k}&s={s}",
        "e={e}&k=&s={s}",
        "e={e}&k=0{k}&s={s}",
        "e={e}&k={k}&s=",
        "e={e}&k={k}&s={s}=",
        "e={e}&k={k}&s={s}A",
        "%65={e}&k={k}&s={s}",
        "E={e}&K={k}&S={s}",
        "e={e};k={k};s={s}",
    ],
)
def test_a_link_written_otherwise_is_none(query):
    assert presented("e=1790000000&k=3&s=" + "A" * 43) is not None
    assert presented(query.format(e="1790000000", k="3", s="A" * 43)) is None


@pytest.mark.parametrize("at", ["first", "last", "none"])
def test_signatures_are_compared_in_constant_time_and_whole(monkeypatch, at):
    compared = []

    def compare(right: str, given: str) -> bool:
        compared.append((right, given))
        return hmac.compare_digest(right, given)

    right = presented(query_of(GRANT, KEY))
    assert right is not None
    signature = {
        "first": "_" + right.signature[1:],
        "last": right.signature[:-1] + "_",
        "none": right.signature,
    }[at]

    class Watched:
        digest = staticmethod(hmac.digest)
        compare_digest = staticmethod(compare)

    monkeypatch.setattr(signatures, "hmac", Watched)
    assert is_signed(replace(right, signature=signature), GRANT, KEY) is (at == "none")
    assert compared == [(right.signature, signature)]


def test_a_key_needs_both_halves():
    salt = bytes(32)
    assert derived("secret one", salt) == derived("secret one", salt)
    assert derived("secret one", salt) != derived("secret two", salt)
    assert derived("secret one", salt) != derived("secret one", bytes(31) + b"\1")


def test_secrets_are_in_no_text_of_them():
    shown = presented(query_of(GRANT, KEY))
    assert shown is not None
    assert shown.signature not in repr(shown)
    assert "secret" not in repr(KEY)


moments = st.floats(1e9, 4e9)
lifetimes = st.integers(1, 365 * 24 * 3600)


@given(moments, lifetimes)
def test_a_link_lives_as_long_as_was_asked_and_at_most_a_quarter_longer(now, seconds):
    ends = expiry(now, seconds)
    assert now + seconds <= ends <= now + seconds + max(1, seconds // WINDOWS)


@given(moments, lifetimes, st.floats(0, 1))
def test_who_asks_again_in_the_same_window_is_given_the_same_end(now, seconds, later):
    window = max(1, seconds // WINDOWS)
    ends = expiry(now, seconds)
    last_moment = ends - seconds  # after this one the next window begins
    again = now + (last_moment - now) * later
    assert expiry(min(max(again, now), last_moment), seconds) == ends
    assert expiry(last_moment + window / 2, seconds) == ends + window

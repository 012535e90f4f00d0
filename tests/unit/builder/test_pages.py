"""Pages without a database: their history, their slugs, and how two states differ."""

import random
import time
from datetime import UTC, datetime

import pytest

from avenue.builder.website.differences import MOST_CHARACTERS, MOST_LINES, difference
from avenue.builder.website.models import (
    KEPT,
    KEPT_BYTES,
    KEPT_IN_ANY_CASE,
    KEPT_PUBLISHED,
    LONGEST_SLUG,
    SLUG,
    Draft,
    Entry,
    kept_entries,
    numbered,
    slug_of,
)

AT = datetime(2026, 1, 31, tzinfo=UTC)


def draft(html: str = "", css: str = "", title: str = "Inicio") -> Draft:
    return Draft(title=title, locale="es", html=html, css=css)


def entries(*facts: tuple[bool, int]) -> list[Entry]:
    """The newest first, of (was published, bytes)."""
    return [
        Entry(number=number, at=AT, by=None, draft=draft(), bytes=size, published=published)
        for number, (published, size) in zip(range(len(facts), 0, -1), facts, strict=True)
    ]


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("Sobre nosotros", "sobre-nosotros"),
        ("  ¡Mañana, Ñandutí & Cía.!  ", "manana-nanduti-cia"),
        ("Zapatos 2026", "zapatos-2026"),
        ("日本語", "page"),
        ("---", "page"),
        ("a" * 500, "a" * LONGEST_SLUG),
        ("a" * (LONGEST_SLUG - 1) + " b", "a" * (LONGEST_SLUG - 1)),
    ],
)
def test_a_title_suggests_a_slug(title: str, slug: str):
    assert slug_of(title) == slug
    assert SLUG.fullmatch(slug)
    assert SLUG.fullmatch(numbered(slug, 1234))
    assert len(numbered(slug, 1234)) <= LONGEST_SLUG


def test_the_newest_entries_stay_and_older_ones_that_were_published():
    plain = [(False, 10)] * (KEPT + 5)
    assert kept_entries(entries(*plain)) == set(range(6, KEPT + 6))
    published = [*plain, *([(True, 10)] * (KEPT_PUBLISHED + 3))]
    kept = kept_entries(entries(*published))
    assert len(kept) == KEPT + KEPT_PUBLISHED
    assert sorted(kept)[:KEPT_PUBLISHED] == list(range(4, 4 + KEPT_PUBLISHED))


def test_large_entries_are_fewer_but_ten_in_any_case():
    half = KEPT_BYTES // 20
    assert len(kept_entries(entries(*[(False, half)] * 40))) == 20
    assert len(kept_entries(entries(*[(True, KEPT_BYTES)] * 40))) == KEPT_IN_ANY_CASE


def test_a_difference_shows_what_a_change_would_make_of_the_page():
    before = draft("<h1>Hola</h1><p>uno</p><p>dos</p>", "a{color:red}", "Inicio")
    after = draft("<h1>Hola</h1><p>uno</p><p>tres</p>", "a{color:red}", "Principio")
    assert difference(before, before) == ""
    assert difference(before, after).splitlines() == [
        "--- current/title",
        "+++ yours/title",
        "@@ -1 +1 @@",
        "-Inicio",
        "+Principio",
        "--- current/html",
        "+++ yours/html",
        "@@ -1,3 +1,3 @@",
        " <h1>Hola</h1>",
        " <p>uno</p>",
        "-<p>dos</p>",
        "+<p>tres</p>",
    ]


def test_far_down_a_difference_has_only_its_surroundings():
    same = "".join(f"<p>{number}</p>" for number in range(5000))
    told = difference(draft(f"{same}<b>a</b>{same}"), draft(f"{same}<b>z</b>{same}"))
    assert told.count("\n") < 12
    assert "-<b>a</b>" in told
    assert "+<b>z</b>" in told


def hostile(kind: str) -> tuple[str, str]:
    rng = random.Random(kind)
    lines = [f"<p>{number}</p>" for number in range(60_000)]
    match kind:
        case "all another way round":
            return "".join(lines), "".join(reversed(lines))
        case "shuffled":
            return "".join(lines), "".join(rng.sample(lines, len(lines)))
        case "few lines again and again":
            few = ["<b>", "</b>", "<i>", "</i>"]
            one, other = (rng.choices(few, k=200_000) for _ in range(2))
            return "".join(one), "".join(other)
        case _:
            return "x" * 1_000_000, "y" * 1_000_000


@pytest.mark.parametrize(
    "kind",
    ["all another way round", "shuffled", "few lines again and again", "one line"],
)
def test_a_hostile_page_does_not_take_long_to_compare(kind: str):
    before, after = hostile(kind)
    begun = time.thread_time()
    told = difference(draft(before), draft(after))
    assert time.thread_time() - begun < 2.0  # 0.3 s where nothing else runs
    assert 0 < len(told) <= MOST_CHARACTERS + 2
    assert told.count("\n") <= 2 * MOST_LINES + 10

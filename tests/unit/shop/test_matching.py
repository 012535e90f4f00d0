"""Which file is whose, by the SKU in its name."""

import unicodedata

import pytest
from hypothesis import given, strategies as st

from avenue.shop.matching.models import Finding, MatchedProduct, NamedFile, PlannedFile, Reason
from avenue.shop.matching.planning import plan
from tests.table import table

MOST_BYTES, MOST_PICTURES = 1000, 5


def planned(paths: list[str], skus: list[str], **limits: int) -> list[PlannedFile]:
    files = [NamedFile(path=each, key=str(n), length=10) for n, each in enumerate(paths)]
    products = [
        MatchedProduct(product=f"id of {each}", sku=each, name=each, pictures=0) for each in skus
    ]
    known = {"most_bytes": MOST_BYTES, "most_pictures": MOST_PICTURES, **limits}
    return plan(files, products, **known)


def meaning(path: str, skus: list[str]) -> tuple[str, int] | Finding:
    [found] = planned([path], skus)
    return (found.matched.sku, found.position) if found.matched else found.finding


@table(
    "path, skus, expected",
    [
        ("AB.jpg", ["AB"], ("AB", 1)),
        ("AB.JPEG", ["AB"], ("AB", 1)),
        ("AB.png", ["AB"], ("AB", 1)),
        ("AB-2.webp", ["AB"], ("AB", 2)),
        ("AB_2.jpg", ["AB"], ("AB", 2)),
        ("AB-02.jpg", ["AB"], ("AB", 2)),
        ("AB/1.jpg", ["AB"], ("AB", 1)),
        ("AB/10.jpg", ["AB"], ("AB", 10)),
        ("AB/AB-3.jpg", ["AB"], ("AB", 3)),
        ("fotos/AB.jpg", ["AB"], ("AB", 1)),
        ("fotos/2026/AB/4.jpg", ["AB"], ("AB", 4)),
        ("AB-2.jpg", ["AB-2"], ("AB-2", 1)),
        ("AB-2-3.jpg", ["AB-2"], ("AB-2", 3)),
        ("a.b.jpg", ["a.b"], ("a.b", 1)),
        ("ab.jpg", ["AB"], ("AB", 1)),
        ("NIÑO-1.jpg", ["niño-1"], ("niño-1", 1)),
        (unicodedata.normalize("NFD", "niño.jpg"), ["niño"], ("niño", 1)),
        ("A-1.jpg", ["A/1"], ("A/1", 1)),
        ("A_1.jpg", ["A/1"], ("A/1", 1)),
        ("A_1-2.jpg", ["A:1"], ("A:1", 2)),
        ("7/7.jpg", ["7"], ("7", 7)),
        # as systems call copies
        ("AB (2).jpg", ["AB"], ("AB", 2)),
        ("AB(3).jpg", ["AB"], ("AB", 3)),
        ("AB 2.jpg", ["AB"], ("AB", 2)),
        ("AB - Copy.jpg", ["AB"], ("AB", 2)),
        ("AB - copia (2).jpg", ["AB"], ("AB", 3)),
        ("AB copy 2.jpg", ["AB"], ("AB", 3)),
        ("AB (2).jpg", ["AB (2)"], ("AB (2)", 1)),
        # nobody's
        ("AB (2024).jpg", ["AB"], Finding.UNMATCHED),
        ("CD.jpg", ["AB"], Finding.UNMATCHED),
        ("AB-2024.jpg", ["AB"], Finding.UNMATCHED),
        ("AB/frente.jpg", ["AB"], Finding.UNMATCHED),
        ("AB-.jpg", ["AB"], Finding.UNMATCHED),
        # two readings
        ("AB-2.jpg", ["AB", "AB-2"], Finding.AMBIGUOUS),
        ("AB (2).jpg", ["AB", "AB (2)"], Finding.AMBIGUOUS),
        ("AB/1.jpg", ["AB", "1"], Finding.AMBIGUOUS),
        ("ab.jpg", ["AB", "ab"], Finding.AMBIGUOUS),
        ("AB.jpg", ["AB", "ab"], Finding.AMBIGUOUS),
        ("nino.jpg", ["niño", "nino"], Finding.AMBIGUOUS),
        ("A_1.jpg", ["A/1", "A:1"], Finding.AMBIGUOUS),
        ("A-1.jpg", ["A/1", "A"], Finding.AMBIGUOUS),
    ],
)
def test_a_name_means(path: str, skus: list[str], expected: tuple[str, int] | Finding) -> None:
    assert meaning(path, skus) == expected


def test_an_ambiguous_file_says_what_it_could_be() -> None:
    [found] = planned(["AB-2.jpg"], ["AB", "AB-2", "ZZ"])
    assert found.candidates == ("AB", "AB-2")


def test_matched_files_come_in_the_order_of_their_numbers() -> None:
    found = planned(["B-10.jpg", "x.jpg", "B-2.jpg", "A/2.jpg", "B.jpg", "A.jpg"], ["A", "B"])
    assert [each.file.path for each in found] == [
        *("A.jpg", "A/2.jpg", "B.jpg", "B-2.jpg", "B-10.jpg"),
        "x.jpg",
    ]


def left_out(file: NamedFile, **limits: int) -> str | None:
    products = [MatchedProduct(product="1", sku="AB", name="", pictures=0)]
    known = {"most_bytes": MOST_BYTES, "most_pictures": MOST_PICTURES, **limits}
    [found] = plan([file], products, **known)
    assert found.finding is Finding.LEFT_OUT
    return found.reason


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        (NamedFile(path="AB.txt", key="0", length=1), Reason.NOT_A_PICTURE),
        (NamedFile(path="AB", key="0", length=1), Reason.NOT_A_PICTURE),
        (NamedFile(path="AB.jpg", key="0", length=0), Reason.EMPTY),
        (NamedFile(path="AB.jpg", key="0", length=MOST_BYTES + 1), Reason.TOO_LARGE),
        (NamedFile(path="._AB.jpg", key="", length=0, why_not="hidden_file"), "hidden_file"),
    ],
)
def test_what_is_left_out_says_why(file: NamedFile, reason: str) -> None:
    assert left_out(file) == reason


def test_a_product_gets_no_more_than_it_may_have_and_no_name_twice() -> None:
    found = planned(["AB-3.jpg", "AB-1.jpg", "AB-2.jpg", "AB-1.jpg"], ["AB"], most_pictures=2)
    assert [(each.file.path, each.reason) for each in found] == [
        ("AB-1.jpg", None),
        ("AB-2.jpg", None),
        ("AB-1.jpg", Reason.SAME_NAME),
        ("AB-3.jpg", Reason.TOO_MANY),
    ]


ODD = st.text(alphabet="AaÑñ/-_.:12 ", min_size=1, max_size=8)


@given(st.lists(ODD, max_size=12), st.lists(ODD, max_size=6, unique=True))
def test_every_file_is_found_once_and_only_clear_ones_are_matched(
    names: list[str], skus: list[str]
) -> None:
    paths = [f"{each}.jpg" for each in names]
    found = planned(paths, skus)
    assert sorted(each.file.path for each in found) == sorted(paths)
    for each in found:
        assert (each.matched is not None) == (
            each.finding is Finding.MATCHED or each.reason == Reason.TOO_MANY
        )
        assert bool(each.candidates) == (each.finding is Finding.AMBIGUOUS)
        assert len(each.candidates) != 1


@given(st.text(alphabet="ABCñ", min_size=1, max_size=6), st.integers(1, 999))
def test_whoever_follows_the_rules_is_understood(sku: str, number: int) -> None:
    for path in (f"{sku}-{number}.jpg", f"{sku}_{number}.jpg", f"todo/{sku}/{number}.jpg"):
        assert meaning(path, [sku]) == (sku, number)

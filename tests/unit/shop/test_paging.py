"""The cursor of a product list: written and read back, and nothing else is read."""

import base64
import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, strategies as st

from avenue.cursors import BadCursor
from avenue.errors import AvenueError
from avenue.identity import new_id
from avenue.shop.models import Sort
from avenue.shop.paging import cursor_place, cursor_text
from tests.table import table

ID = "A" * 22
MOMENTS = st.datetimes(timezones=st.just(UTC)).map(
    lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000)
)
PRICES = st.decimals(min_value=0, max_value=10**15, places=4)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=200)


def written(*parts: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


@given(MOMENTS | st.none())
def test_a_time_comes_back(moment):
    for sort in (Sort.CREATED, Sort.UPDATED):
        assert cursor_place(sort, cursor_text(sort, (moment, ID))) == (moment, ID)


@given(PRICES | st.none())
def test_a_price_comes_back(price):
    assert cursor_place(Sort.PRICE, cursor_text(Sort.PRICE, (price, ID))) == (price, ID)


@pytest.mark.parametrize("price", ["1E+3", "0E+2", "0.0001", "0E-4", "9" * 15 + ".9999"])
def test_a_price_comes_back_however_it_is_kept(price):
    place = (Decimal(price), ID)
    assert cursor_place(Sort.PRICE, cursor_text(Sort.PRICE, place)) == place


@given(TEXTS | st.none())
def test_a_text_comes_back(text):
    for sort in (Sort.NAME, Sort.SKU):
        assert cursor_place(sort, cursor_text(sort, (text, ID))) == (text, ID)


def test_a_cursor_can_stand_in_an_address():
    text = cursor_text(Sort.NAME, ("Ñandú ?&=/+", new_id()))
    assert set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


@table("sort", [*Sort])
@table("other", [*Sort])
def test_a_cursor_is_for_its_own_sort(sort, other):
    text = cursor_text(sort, (None, ID))
    if sort is other:
        assert cursor_place(other, text) == (None, ID)
    else:
        with pytest.raises(BadCursor):
            cursor_place(other, text)


def moment_at(hours: int) -> str:
    return datetime(2026, 1, 31, tzinfo=timezone(timedelta(hours=hours))).isoformat()


@table(
    "sort, text",
    [
        (Sort.NAME, ""),
        (Sort.NAME, "A"),
        (Sort.NAME, "é"),
        (Sort.NAME, "=" * 10),
        (Sort.NAME, written()),
        (Sort.NAME, written("name", "a")),
        (Sort.NAME, written("name", "a", ID, "more")),
        (Sort.NAME, written("name", "a", "short")),
        (Sort.NAME, written("name", "a", None)),
        (Sort.NAME, written("name", "a", {"$gt": ""})),
        (Sort.NAME, written("name", {"$gt": ""}, ID)),
        (Sort.NAME, written("name", ["a"], ID)),
        (Sort.NAME, written("name", 5, ID)),
        (Sort.NAME, written("name", True, ID)),
        (Sort.NAME, written("name", "\ud800", ID)),
        (Sort.NAME, written({"name": 1}, "a", ID)),
        (Sort.CREATED, written("created_at", "", ID)),
        (Sort.CREATED, written("created_at", "2026-01-31", ID)),
        (Sort.CREATED, written("created_at", "2026-01-31T12:00:00", ID)),
        (Sort.CREATED, written("created_at", moment_at(3), ID)),
        (Sort.CREATED, written("created_at", "0001-01-01T00:00:00.000+14:00", ID)),
        (Sort.CREATED, written("created_at", "9999-12-31T23:59:59.999-14:00", ID)),
        (Sort.CREATED, written("created_at", "10000-01-01T00:00:00.000Z", ID)),
        (Sort.PRICE, written("price", "", ID)),
        (Sort.PRICE, written("price", "NaN", ID)),
        (Sort.PRICE, written("price", "Infinity", ID)),
        (Sort.PRICE, written("price", "1E+999999", ID)),
        (Sort.PRICE, written("price", "1" * 18, ID)),
        (Sort.PRICE, written("price", "0." + "1" * 18, ID)),
        (Sort.PRICE, written("price", "٣", ID)),
        (Sort.PRICE, written("price", "1\n", ID)),
        (Sort.PRICE, written("price", 1.5, ID)),
    ],
)
def test_nothing_else_is_a_cursor(sort, text):
    with pytest.raises(BadCursor):
        cursor_place(sort, text)


@given(
    st.sampled_from([*Sort]),
    st.text(max_size=300)
    | st.binary(max_size=200).map(lambda data: base64.urlsafe_b64encode(data).decode()),
)
def test_rubbish_is_refused_and_never_breaks_anything(sort, text):
    try:
        place = cursor_place(sort, text)
    except AvenueError as error:
        assert error.code == "bad_cursor"  # noqa: PT017 - it need not raise
    else:
        assert cursor_place(sort, cursor_text(sort, place)) == place

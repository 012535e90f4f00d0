"""RFC 9110, sections 5.6.7, 8.8, 13 and 14, as tables for one stored file."""

import time
from datetime import UTC, datetime, timedelta, timezone
from http import HTTPStatus

import pytest
from hypothesis import given, strategies as st

from avenue.clock import utc_now
from avenue.media.serving.conditional import (
    Asked,
    Decision,
    Facts,
    choose_range,
    decide,
    http_date,
    parse_http_date,
)
from tests.table import table

LENGTH = 1000
MODIFIED = "Sun, 06 Nov 1994 08:49:37 GMT"
EARLIER = "Sun, 06 Nov 1994 08:49:36 GMT"
LATER = "Sun, 06 Nov 1994 08:49:38 GMT"
FACTS = {
    "etag": "a,b",
    "modified_at": datetime(1994, 11, 6, 8, 49, 37, 999_000, UTC),
    "length": LENGTH,
}
FILE = Facts(**FACTS)
UNCHANGING = Facts(**FACTS, unchanging=True)
WHOLE = Decision(HTTPStatus.OK, 0, LENGTH)
NO_SUCH_PART = Decision(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
HUGE = "9" * 6000


def part(start, end):
    return Decision(HTTPStatus.PARTIAL_CONTENT, start, end)


RANGES = [
    # section, header, what is sent of 1,000 bytes
    ("14.1.2", "bytes=0-99", part(0, 100)),
    ("14.1.2", "bytes=0-0", part(0, 1)),
    ("14.1.2", "bytes=999-999", part(999, 1000)),
    ("14.1.2 open end", "bytes=500-", part(500, 1000)),
    ("14.1.2 open end, whole file is still a part", "bytes=0-", part(0, 1000)),
    ("14.1.2 last-pos beyond the end", "bytes=900-5000", part(900, 1000)),
    ("14.1.2 last-pos at the length", "bytes=0-1000", part(0, 1000)),
    ("14.1.2 suffix", "bytes=-100", part(900, 1000)),
    ("14.1.2 suffix of one", "bytes=-1", part(999, 1000)),
    ("14.1.2 suffix longer than the file", "bytes=-5000", part(0, 1000)),
    ("14.1.2 suffix of exactly the file", "bytes=-1000", part(0, 1000)),
    ("14.1.2 leading zeros", "bytes=0000-0099", part(0, 100)),
    ("14.1.2 suffix of nothing", "bytes=-0", NO_SUCH_PART),
    ("14.1.2 suffix of nothing", "bytes=-000", NO_SUCH_PART),
    ("15.5.17 at the end", "bytes=1000-", NO_SUCH_PART),
    ("15.5.17 past the end", "bytes=1000-1001", NO_SUCH_PART),
    ("15.5.17 far past the end", "bytes=99999999-", NO_SUCH_PART),
    ("14.1.1 first beyond last", "bytes=5-2", WHOLE),
    ("14.1.1 first beyond last, both past the end", "bytes=5000-4000", WHOLE),
    ("14.1 unit names ignore case", "Bytes=0-99", part(0, 100)),
    ("14.2 unknown unit", "lines=0-99", WHOLE),
    ("14.2 unknown unit", "bytesx=0-99", WHOLE),
    ("14.2 several ranges", "bytes=0-0,5-6", WHOLE),
    ("14.2 several ranges", "bytes=0-1, -1", WHOLE),
    ("14.2 several ranges, none there", "bytes=5000-, 6000-", WHOLE),
    ("14.2 600 ranges", "bytes=" + ",".join(f"{n}-{n}" for n in range(600)), WHOLE),
    ("5.6.1.2 empty list elements", "bytes=,0-99", part(0, 100)),
    ("5.6.1.2 empty list elements", "bytes= , ,0-99, ,", part(0, 100)),
    ("14.2 nothing", "", WHOLE),
    ("14.2 invalid", "bytes", WHOLE),
    ("14.2 invalid", "bytes=", WHOLE),
    ("14.2 invalid", "bytes=-", WHOLE),
    ("14.2 invalid", "bytes=,", WHOLE),
    ("14.2 invalid", "bytes=abc", WHOLE),
    ("14.2 invalid", "bytes=0", WHOLE),
    ("14.2 invalid", "bytes=--5", WHOLE),
    ("14.2 invalid", "bytes=-5-", WHOLE),
    ("14.2 invalid", "bytes=1-2-3", WHOLE),
    ("14.2 invalid", "bytes=+1-2", WHOLE),
    ("14.2 invalid", "bytes=1 - 2", WHOLE),
    ("14.2 invalid", "bytes =0-99", WHOLE),
    ("14.2 invalid", "bytes= 0-99", WHOLE),
    ("14.2 invalid", "bytes:0-99", WHOLE),
    ("14.2 invalid", "0-99", WHOLE),
    ("14.2 invalid", "bytes=0-99;x", WHOLE),
    ("14.2 invalid", "bytes=0x0-0x9", WHOLE),
    ("14.2 digits of other scripts", "bytes=٠-٩", WHOLE),
    ("14.2 superscript digits", "bytes=¹-²", WHOLE),
    ("14.2 letters that only look alike", "byteſ=0-99", WHOLE),
    ("14.1.2 huge last-pos", f"bytes=0-{HUGE}", part(0, 1000)),
    ("14.1.2 huge suffix", f"bytes=-{HUGE}", part(0, 1000)),
    ("15.5.17 huge first-pos", f"bytes={HUGE}-", NO_SUCH_PART),
    ("15.5.17 huge both", f"bytes={HUGE}-{HUGE}", NO_SUCH_PART),
    ("14.1.1 huge first beyond huge last", f"bytes={HUGE}-{HUGE[:-1]}8", WHOLE),
    ("14.1.2 thousands of zeros", f"bytes={'0' * 6000}1-{'0' * 6000}5", part(1, 6)),
    ("15.5.17 just over 64 bits", "bytes=18446744073709551616-", NO_SUCH_PART),
]


@table("section, header, expected", RANGES)
def test_a_range_means(section, header, expected):
    assert choose_range(header, LENGTH) == expected, section


@pytest.mark.parametrize(
    ("section", "header", "expected"),
    [
        ("15.5.17 no byte is the first", "bytes=0-", NO_SUCH_PART),
        ("15.5.17 no byte is the first", "bytes=0-99", NO_SUCH_PART),
        ("14.1.2 suffix of nothing", "bytes=-0", NO_SUCH_PART),
        ("14.1.2 suffix, but 14.4 cannot say it", "bytes=-5", Decision(HTTPStatus.OK, 0, 0)),
        ("14.2 invalid", "bytes=5-2", Decision(HTTPStatus.OK, 0, 0)),
    ],
)
def test_a_range_of_an_empty_file_means(section, header, expected):
    assert choose_range(header, 0) == expected, section


@pytest.mark.parametrize(
    "header",
    [
        "bytes=" + "1" * 1_000_000 + "-" + "0" * 1_000_000,
        "bytes=-" + "1" * 1_000_000,
        "bytes=" + ", " * 500_000 + "x",
        "bytes=" + "1-," * 300_000,
    ],
    ids=["digits", "suffix", "commas", "ranges"],
)
def test_a_megabyte_of_range_costs_next_to_nothing(header):
    began = time.thread_time()
    choose_range(header, LENGTH)
    assert time.thread_time() - began < 1


POSITIONS = st.integers(0, 30) | st.integers(0, 10**25)


@given(length=st.integers(0, 20), first=POSITIONS, last=st.none() | POSITIONS)
def test_an_int_range_takes_what_a_slice_takes(length, first, last):
    found = choose_range(f"bytes={first}-{'' if last is None else last}", length)
    content = list(range(length))
    if last is not None and first > last:
        assert found == Decision(HTTPStatus.OK, 0, length)
        return
    expected = content[first : None if last is None else last + 1]
    assert found.status == (206 if expected else 416)
    assert content[found.start : found.end] == expected


@given(length=st.integers(1, 20), suffix=POSITIONS)
def test_a_suffix_range_takes_what_a_slice_takes(length, suffix):
    found = choose_range(f"bytes=-{suffix}", length)
    content = list(range(length))
    expected = content[-suffix:] if suffix else []
    assert found.status == (206 if expected else 416)
    assert content[found.start : found.end] == expected


@given(
    length=st.integers(0, 20),
    header=st.text(st.sampled_from("0123456789-, =bytesW")).map("bytes=".__add__) | st.text(),
)
def test_whatever_a_range_says_the_answer_lies_within_the_file(length, header):
    found = choose_range(header, length)
    assert found.status in {200, 206, 416}
    assert 0 <= found.start <= found.end <= length
    assert found.status != 206 or found.start < found.end
    assert found.status != 200 or (found.start, found.end) == (0, length)


CONDITIONS = [
    # section, method, what is asked, status
    ("13.2.1 no condition", "GET", {}, 200),
    ("13.1.1 the tag", "GET", {"if_match": '"a,b"'}, 200),
    ("13.1.1 another tag", "GET", {"if_match": '"x"'}, 412),
    ("13.1.1 any", "GET", {"if_match": "*"}, 200),
    ("13.1.1 in a list", "GET", {"if_match": '"x", "a,b"'}, 200),
    ("13.1.1 not in a list", "GET", {"if_match": '"x", "y"'}, 412),
    ("13.1.1 strong comparison", "GET", {"if_match": 'W/"a,b"'}, 412),
    ("13.1.1 without quotes", "GET", {"if_match": "a,b"}, 412),
    ("13.1.1 nothing", "GET", {"if_match": ""}, 412),
    ("13.1.1 HEAD too", "HEAD", {"if_match": '"x"'}, 412),
    ("13.1.4 unmodified", "GET", {"if_unmodified_since": MODIFIED}, 200),
    ("13.1.4 unmodified", "GET", {"if_unmodified_since": LATER}, 200),
    ("13.1.4 modified", "GET", {"if_unmodified_since": EARLIER}, 412),
    ("13.1.4 HEAD too", "HEAD", {"if_unmodified_since": EARLIER}, 412),
    ("13.1.4 no date is ignored", "GET", {"if_unmodified_since": "yesterday"}, 200),
    (
        "13.1.4 If-Match goes before",
        "GET",
        {"if_match": "*", "if_unmodified_since": EARLIER},
        200,
    ),
    ("13.1.2 the tag", "GET", {"if_none_match": '"a,b"'}, 304),
    ("13.1.2 HEAD too", "HEAD", {"if_none_match": '"a,b"'}, 304),
    ("13.1.2 weak comparison", "GET", {"if_none_match": 'W/"a,b"'}, 304),
    ("13.1.2 any", "GET", {"if_none_match": "*"}, 304),
    ("13.1.2 another tag", "GET", {"if_none_match": '"x"'}, 200),
    ("13.1.2 in a list", "GET", {"if_none_match": '"x", W/"y",,"a,b"'}, 304),
    ("13.1.2 weak in a list", "GET", {"if_none_match": '"x",W/"a,b"'}, 304),
    ("13.1.2 not in a list", "GET", {"if_none_match": '"x", W/"y"'}, 200),
    ("8.8.3 a comma splits no tag", "GET", {"if_none_match": '"a", "b"'}, 200),
    ("8.8.3.2 tags are compared whole", "GET", {"if_none_match": '"a,b,c"'}, 200),
    ("8.8.3.2 tags are compared with case", "GET", {"if_none_match": '"A,B"'}, 200),
    ("8.8.3 W is a capital", "GET", {"if_none_match": 'w/"x"'}, 200),
    ("13.1.2 without quotes", "GET", {"if_none_match": "a,b"}, 200),
    ("13.1.2 an open quote", "GET", {"if_none_match": '"a,b'}, 200),
    ("13.1.2 nothing", "GET", {"if_none_match": ""}, 200),
    ("13.1.3 not modified", "GET", {"if_modified_since": MODIFIED}, 304),
    ("13.1.3 HEAD too", "HEAD", {"if_modified_since": MODIFIED}, 304),
    ("13.1.3 not modified", "GET", {"if_modified_since": LATER}, 304),
    ("13.1.3 modified", "GET", {"if_modified_since": EARLIER}, 200),
    ("13.1.3 no date is ignored", "GET", {"if_modified_since": "0"}, 200),
    (
        "13.1.3 several dates are ignored",
        "GET",
        {"if_modified_since": f"{LATER}, {LATER}"},
        200,
    ),
    (
        "13.1.3 ignored beside If-None-Match",
        "GET",
        {"if_none_match": '"x"', "if_modified_since": LATER},
        200,
    ),
    (
        "13.1.3 ignored beside an empty If-None-Match",
        "GET",
        {"if_none_match": "", "if_modified_since": LATER},
        200,
    ),
    (
        "13.2.2 If-None-Match wins over an old date",
        "GET",
        {"if_none_match": '"a,b"', "if_modified_since": EARLIER},
        304,
    ),
    (
        "13.2.2 step 1 before 3",
        "GET",
        {"if_match": '"x"', "if_none_match": '"a,b"'},
        412,
    ),
    (
        "13.2.2 step 1, then 3",
        "GET",
        {"if_match": '"a,b"', "if_none_match": '"a,b"'},
        304,
    ),
    (
        "13.2.2 step 2 before 3",
        "GET",
        {"if_unmodified_since": EARLIER, "if_none_match": '"a,b"'},
        412,
    ),
    (
        "13.2.2 step 2, then 4",
        "GET",
        {"if_unmodified_since": LATER, "if_modified_since": LATER},
        304,
    ),
    ("13.2.2 step 1 before 5", "GET", {"if_match": '"x"', "range": "bytes=0-9"}, 412),
    ("13.2.2 step 1, then 5", "GET", {"if_match": '"a,b"', "range": "bytes=0-9"}, 206),
    (
        "13.2.2 step 2, then 5",
        "GET",
        {"if_unmodified_since": MODIFIED, "range": "bytes=0-9"},
        206,
    ),
    ("13.2.2 step 3 before 5", "GET", {"if_none_match": '"a,b"', "range": "bytes=0-9"}, 304),
    (
        "14.2 conditions before the range",
        "GET",
        {"if_none_match": "*", "range": "bytes=9999-"},
        304,
    ),
    ("13.2.2 step 3, then 5", "GET", {"if_none_match": '"x"', "range": "bytes=0-9"}, 206),
    ("13.2.2 step 4 before 5", "GET", {"if_modified_since": LATER, "range": "bytes=0-9"}, 304),
    ("14.2 a part", "GET", {"range": "bytes=0-9"}, 206),
    ("14.2 no such part", "GET", {"range": "bytes=1000-"}, 416),
    ("14.2 Range is for GET only", "HEAD", {"range": "bytes=0-9"}, 200),
    ("14.2 Range is for GET only", "HEAD", {"range": "bytes=1000-"}, 200),
    ("13.1.5 the tag", "GET", {"range": "bytes=0-9", "if_range": '"a,b"'}, 206),
    ("13.1.5 no such part", "GET", {"range": "bytes=1000-", "if_range": '"a,b"'}, 416),
    ("13.1.5 another tag", "GET", {"range": "bytes=0-9", "if_range": '"x"'}, 200),
    (
        "13.1.5 another tag, no such part",
        "GET",
        {"range": "bytes=1000-", "if_range": '"x"'},
        200,
    ),
    ("13.1.5 strong comparison", "GET", {"range": "bytes=0-9", "if_range": 'W/"a,b"'}, 200),
    ("13.1.5 no list", "GET", {"range": "bytes=0-9", "if_range": '"x", "a,b"'}, 200),
    ("13.1.5 no star", "GET", {"range": "bytes=0-9", "if_range": "*"}, 200),
    ("13.1.5 neither tag nor date", "GET", {"range": "bytes=0-9", "if_range": "a,b"}, 200),
    ("13.1.5 without Range", "GET", {"if_range": '"x"'}, 200),
    (
        "13.1.5 a date is weak where bytes may change twice in a second",
        "GET",
        {"range": "bytes=0-9", "if_range": MODIFIED},
        200,
    ),
]


@table("section, method, asked, status", CONDITIONS)
def test_a_condition_means(section, method, asked, status):
    decision = decide(method, Asked(**asked), FILE)
    assert decision.status == status, section
    if status == 200:
        assert decision == WHOLE


@pytest.mark.parametrize(
    ("section", "if_range", "status"),
    [
        ("13.1.5 exactly the date", MODIFIED, 206),
        ("13.1.5 a later date is no match", LATER, 200),
        ("13.1.5 an earlier date is no match", EARLIER, 200),
        ("13.1.5 only the form we send is exact", "Sun Nov  6 08:49:37 1994", 200),
        ("13.1.5 the tag", '"a,b"', 206),
        ("13.1.5 a weak tag", 'W/"a,b"', 200),
    ],
)
def test_where_the_bytes_never_change_a_date_joins_parts(section, if_range, status):
    asked = Asked(range="bytes=0-9", if_range=if_range)
    assert decide("GET", asked, UNCHANGING).status == status, section


@pytest.mark.parametrize(
    ("section", "text"),
    [
        ("5.6.7 IMF-fixdate", "Sun, 06 Nov 1994 08:49:37 GMT"),
        ("5.6.7 rfc850-date", "Sunday, 06-Nov-94 08:49:37 GMT"),
        ("5.6.7 asctime-date", "Sun Nov  6 08:49:37 1994"),
        ("5.6.7 the day of the week is not checked", "Mon, 06 Nov 1994 08:49:37 GMT"),
    ],
)
def test_a_date_is_read_in_each_of_the_three_forms(section, text):
    assert parse_http_date(text) == datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC), section


@table(
    "text",
    [
        "",
        "0",
        "now",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 +0000",
        "Sun, 06 Nov 1994 08:49:37 CET",
        "sun, 06 nov 1994 08:49:37 gmt",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 06 Foo 1994 08:49:37 GMT",
        "Sun, 31 Feb 1994 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 0000 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:60:00 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, 06 Nov 19940 08:49:37 GMT",
        "Sun, 06 Nov ١٩٩٤ 08:49:37 GMT",
        "1994-11-06T08:49:37Z",
        "Sun, 06 Nov " + "9" * 6000 + " 08:49:37 GMT",
    ],
)
def test_what_is_no_date_of_section_5_6_7_is_none(text):
    assert parse_http_date(text) is None


def test_a_leap_second_is_a_date_of_section_5_6_7():
    assert parse_http_date("Sat, 31 Dec 2016 23:59:60 GMT") == datetime(
        2016, 12, 31, 23, 59, 59, tzinfo=UTC
    )


@pytest.mark.parametrize(("ahead_years", "same_century"), [(49, True), (51, False)])
def test_two_digits_more_than_50_years_ahead_are_of_the_past_by_section_5_6_7(
    ahead_years, same_century
):
    year = utc_now().year + ahead_years
    found = parse_http_date(f"Sunday, 06-Nov-{year % 100:02} 08:49:37 GMT")
    this_century = utc_now().year // 100
    if year // 100 == this_century:
        assert found.year == (year if same_century else year - 100)
    else:
        assert found.year == year - 100


def test_a_date_is_sent_as_imf_fixdate_in_gmt_by_section_5_6_7():
    moment = datetime(1994, 11, 6, 9, 49, 37, 999_999, timezone(timedelta(hours=1)))
    assert http_date(moment) == MODIFIED


@given(st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC)))  # noqa: DTZ001
def test_every_date_sent_is_read_back_to_the_second(moment):
    assert parse_http_date(http_date(moment)) == moment.replace(microsecond=0)

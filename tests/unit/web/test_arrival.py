"""What the loop makes of bytes that arrive: heads, lengths, chunks, pace and room."""

import itertools
from types import SimpleNamespace

import pytest
from gunicorn.http.body import ChunkedReader
from gunicorn.http.unreader import IterUnreader
from hypothesis import given, strategies as st

from avenue.server import arrival
from avenue.server.arrival import (
    NO_BODY,
    ODD,
    Arrival,
    ChunkWalk,
    Framing,
    Pace,
    Spool,
    framing_of as framing,
)
from avenue.web.errors import SpoolUnavailable

HEAD = b"POST / HTTP/1.1\r\nHost: a\r\n"


@pytest.fixture
def spool(tmp_path):
    return Spool(tmp_path)


@pytest.fixture
def request_of(spool):
    """Return a function that makes a request collected up to so many bytes."""
    made = []

    def make(live_from_bytes):
        made.append(Arrival(spool, live_from_bytes))
        return made[-1]

    yield make
    for each in made:
        each.release()


def cut(data, places):
    """Split `data` at `places`."""
    marks = sorted({min(each, len(data)) for each in places} | {0, len(data)})
    return [data[a:b] for a, b in itertools.pairwise(marks)]


places = st.lists(st.integers(0, 400), max_size=8)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (b"", NO_BODY),
        (b"Expect: 100-continue\r\n", NO_BODY),
        (b"content-LENGTH:\t12 \r\n", Framing(body_bytes=12)),
        (b"Content-Length: 12\r\nExpect: 100-Continue\r\n", Framing(body_bytes=12, expects=True)),
        (b"Transfer-Encoding: gzip, Chunked\r\n", Framing(chunked=True)),
        (b"Transfer-Encoding: gzip\r\n", ODD),
        (b"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", Framing(chunked=True)),
        (b"Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n", ODD),
        (b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", ODD),
        (b"Content-Length: 1\r\nContent-Length: 1\r\n", ODD),
        (b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n", ODD),
        (b"Content-Length: +1\r\n", ODD),
        (b"Content-Length: 1234567890123456789\r\n", ODD),
        ("Content-Length: ٣\r\n".encode(), ODD),
        (b"Content-Length: 1\r\nExpect: miracles\r\n", ODD),
    ],
)
def test_a_head_says_how_long_its_body_is(lines, expected):
    assert framing(HEAD + lines + b"\r\n") == expected


def test_http_1_0_knows_neither_expectations_nor_chunks():
    old = HEAD.replace(b"1.1", b"1.0")
    assert framing(old + b"Content-Length: 3\r\nExpect: 100-continue\r\n\r\n").expects is False
    assert framing(old + b"Transfer-Encoding: chunked\r\n\r\n") == ODD


@given(
    pieces=st.lists(st.binary(min_size=1, max_size=40), max_size=5),
    trailer=st.sampled_from([b"", b"X-Sum: 1\r\n"]),
    behind=st.binary(max_size=20),
    places=places,
)
def test_a_chunked_body_ends_where_gunicorn_says_it_ends(pieces, trailer, behind, places):
    body = b"".join(b"%x;a=b\r\n%b\r\n" % (len(each), each) for each in pieces)
    body += b"0\r\n" + trailer + b"\r\n"
    limits = SimpleNamespace(parse_headers=lambda *args, **kwargs: [])
    reader = ChunkedReader(limits, IterUnreader([body]))
    assert reader.read(10_000) == b"".join(pieces)

    walk, taken, ended = ChunkWalk(), 0, False
    for piece in cut(body + behind, places):
        assert not ended
        ended = walk.ends_in(piece)
        taken += len(piece)
        if ended:
            break
    assert ended
    assert taken >= len(body)


@given(pieces=st.lists(st.binary(min_size=1, max_size=40), max_size=5), missing=st.integers(1, 99))
def test_a_chunked_body_without_its_end_is_not_there_yet(pieces, missing):
    body = b"".join(b"%x\r\n%b\r\n" % (len(each), each) for each in pieces) + b"0\r\n\r\n"
    assert not ChunkWalk().ends_in(body[:-missing])


@given(data=st.binary(max_size=400), places=places)
def test_whatever_arrives_is_kept_as_it_came(tmp_path_factory, data, places):
    spool = Spool(tmp_path_factory.getbasetemp())
    request = Arrival(spool, 100)
    sent = HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + data
    for piece in cut(sent, places):
        request.add(memoryview(piece))
    assert bytes(request.data) == sent
    request.release()
    assert (spool.memory_bytes, spool.file_bytes) == (0, 0)


def test_a_request_is_ready_with_its_last_byte_and_asks_for_no_more(request_of):
    request = request_of(1000)
    head = HEAD + b"Content-Length: 5\r\n\r\n"
    assert not request.add(memoryview(head + b"ab"))
    assert request.wants() == 3
    assert not request.add(memoryview(b"cd"))
    assert request.is_open
    assert request.add(memoryview(b"e"))
    assert request.whole
    assert not request.is_open


def test_a_body_above_the_bound_is_left_to_a_thread_at_once(request_of):
    request = request_of(1000)
    assert request.add(memoryview(HEAD + b"Content-Length: 1001\r\n\r\n"))
    assert not request.whole


def test_an_endless_chunked_body_is_left_to_a_thread_at_the_bound(request_of):
    request = request_of(1000)
    assert not request.add(memoryview(HEAD + b"Transfer-Encoding: chunked\r\n\r\nfffff\r\n"))
    assert not request.add(memoryview(b"x" * 900))
    assert request.add(memoryview(b"x" * 100))
    assert not request.whole


def test_a_line_without_cr_is_given_to_the_parser_at_once(request_of):
    assert request_of(1000).add(memoryview(b"GET / HTTP/1.1\n"))
    request = request_of(1000)
    assert not request.add(memoryview(b"GET / HTTP/1.1\r"))
    assert not request.add(memoryview(b"\nHost: a\r\n"))
    assert request.add(memoryview(b"X: y\n"))


def test_a_head_without_end_is_over(request_of):
    request = request_of(1000)
    assert not request.add(memoryview(b"a" * (arrival.HEAD_BYTES - 1)))
    assert request.wants() == 1
    assert request.add(memoryview(b"a"))
    assert request.over


def test_long_bodies_go_to_a_file_without_a_name(request_of, spool, tmp_path):
    request = request_of(10**6)
    request.add(memoryview(HEAD + b"Content-Length: 200000\r\n\r\n"))
    for _ in range(2):
        request.add(memoryview(b"x" * 100_000))
    assert request.file_bytes == spool.file_bytes == 200_000
    assert list(tmp_path.iterdir()) == []
    request.release()
    assert (spool.memory_bytes, spool.file_bytes) == (0, 0)


def test_bodies_leave_memory_to_heads_which_are_refused_when_it_is_full(request_of, monkeypatch):
    monkeypatch.setattr(arrival, "SPOOL_BODY_BYTES", 60)
    monkeypatch.setattr(arrival, "SPOOL_MEMORY_BYTES", 100)
    request = request_of(10**6)
    request.add(memoryview(HEAD + b"Content-Length: 9\r\n\r\n"))
    request.add(memoryview(b"x" * 9))
    request.add(memoryview(b"x" * 9))
    assert request.file_bytes == 9
    request_of(10**6).add(memoryview(b"GET / HTTP/1.1"))
    with pytest.raises(SpoolUnavailable):
        request_of(10**6).add(memoryview(b"GET / HTTP/1.1" + bytes(40)))


def test_when_files_are_full_bodies_are_refused(request_of, monkeypatch):
    monkeypatch.setattr(arrival, "SPOOL_FILE_BYTES", 100_000)
    request = request_of(10**6)
    request.add(memoryview(HEAD + b"Content-Length: 200000\r\n\r\n"))
    request.add(memoryview(b"x" * 99_000))
    with pytest.raises(SpoolUnavailable):
        request.add(memoryview(b"x" * 1001))


def test_a_disk_without_room_has_no_room(tmp_path):
    request = Arrival(Spool(tmp_path / "gone"), 10**6)
    request.add(memoryview(HEAD + b"Content-Length: 200000\r\n\r\n"))
    with pytest.raises(SpoolUnavailable):
        request.add(memoryview(b"x" * 99_000))


def test_a_peer_that_moves_enough_in_every_window_is_never_too_slow():
    pace = Pace(window_seconds=30, window_bytes=300)
    pace.start(0)
    for second in range(1, 200):
        assert not pace.passed(second)
        pace.moved(11)


def test_a_peer_that_moves_a_little_less_is_too_slow_after_one_window():
    pace = Pace(window_seconds=30, window_bytes=300)
    pace.start(0)
    for second in range(1, 30):
        pace.moved(9)
        assert not pace.passed(second)
    assert pace.passed(30)


def test_time_in_which_nobody_waits_does_not_count():
    pace = Pace(window_seconds=30, window_bytes=300)
    pace.start(0)
    assert not pace.passed(29)
    pace.start(500)
    assert not pace.passed(500.5)
    assert pace.passed(501)

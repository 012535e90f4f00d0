"""A ZIP that is made while it is sent: what is in it, what it is called, and how long it is."""

import hashlib
import io
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from hypothesis import given, strategies as st

from avenue.media.errors import DamagedFile
from avenue.media.serving.zipping import Zip

NOON = datetime(2026, 1, 31, 12, 0, 1, tzinfo=UTC)


@dataclass
class Memory:
    """A stored file; `sha256` of other bytes stands for one whose bytes have changed."""

    name: str
    data: bytes = b"data"
    media_type: str = "application/octet-stream"
    modified_at: datetime = NOON
    recorded: bytes | None = None

    @property
    def length(self) -> int:
        return len(self.data)

    @property
    def sha256(self) -> str:
        recorded = self.data if self.recorded is None else self.recorded
        return hashlib.sha256(recorded).hexdigest()

    def chunks(self, start, end):
        for at in range(start, end, 1000):
            yield self.data[at : min(at + 1000, end)]


def unpacked(made: Zip) -> zipfile.ZipFile:
    data = b"".join(made.pieces())
    assert len(data) == made.length
    archive = zipfile.ZipFile(io.BytesIO(data))
    assert archive.testzip() is None
    return archive


def test_everything_is_in_it_as_it_is_stored():
    files = [Memory("a.bin", bytes(5000)), Memory("ñandú.bin", b"x"), Memory("leer.bin", b"")]
    archive = unpacked(Zip(files))
    assert archive.namelist() == ["a.bin", "ñandú.bin", "leer.bin"]
    assert [archive.read(each) for each in archive.namelist()] == [each.data for each in files]
    assert {each.compress_type for each in archive.infolist()} == {zipfile.ZIP_STORED}
    assert archive.getinfo("a.bin").date_time == (2026, 1, 31, 12, 0, 0)


@pytest.mark.parametrize(
    ("names", "called"),
    [
        (["a.pdf", "a.pdf", "A.PDF"], ["a.pdf", "a (2).pdf", "A (3).pdf"]),
        (["a.pdf", "a (2).pdf", "a.pdf"], ["a.pdf", "a (2).pdf", "a (3).pdf"]),
        (["../../etc/passwd", "/etc/passwd"], ["passwd.pdf", "passwd (2).pdf"]),
        (["..\\..\\a.pdf", "C:\\b.pdf"], ["a.pdf", "b.pdf"]),
        (["..", "."], ["picture.pdf", "picture (2).pdf"]),
        (["con.pdf", "LPT1.x.pdf", "console.pdf"], ["_con.pdf", "_LPT1.x.pdf", "console.pdf"]),
        (['a<b>:"|?*.pdf'], ["a_b______.pdf"]),
        (["cafe\u0301.pdf", "café.pdf"], ["café.pdf", "café (2).pdf"]),
        (["a\u202efdp.exe"], ["afdp.pdf"]),
        (["中文.pdf"], ["中文.pdf"]),
    ],
)
def test_names_are_safe_and_each_is_there_once(names, called):
    made = Zip([Memory(each, media_type="application/pdf") for each in names])
    assert made.names == called
    assert unpacked(made).namelist() == called


@given(st.lists(st.text(), min_size=1, max_size=8))
def test_whatever_they_are_called(names):
    archive = unpacked(Zip([Memory(each) for each in names]))
    inside = archive.namelist()
    assert len({each.casefold() for each in inside}) == len(names)
    for each in inside:
        assert each
        assert not {"/", "\\", ":", "\0"} & set(each)
        assert each.strip(" .") == each


@pytest.mark.parametrize("at", [datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)])
def test_a_time_that_no_zip_can_have_is_the_nearest(at):
    assert unpacked(Zip([Memory("a.bin", modified_at=at)])).infolist()[0].date_time[0] in {
        1980,
        2107,
    }


def test_bytes_that_are_not_the_stored_ones_have_no_end():
    made = Zip([Memory("a.bin"), Memory("b.bin", b"date", recorded=b"data"), Memory("c.bin")])
    came = []
    with pytest.raises(DamagedFile):
        came.extend(made.pieces())
    assert len(b"".join(came)) < made.length
    assert not zipfile.is_zipfile(io.BytesIO(b"".join(came)))


def test_little_is_in_memory_at_once():
    pieces = Zip([Memory("a.bin", bytes(100_000))]).pieces()
    assert max(map(len, pieces)) < 1000 + 200

"""The files of the pages: text is compressed for whoever accepts that, and nothing else is."""

import gzip

import brotli

from avenue.web import assets
from tests.http.application import Caller

SCRIPT = "/static/js/pictures/queue.js"
DECODE = {"br": brotli.decompress, "gzip": gzip.decompress, None: bytes}


def test_text_is_compressed_as_the_client_accepts(nobody: Caller) -> None:
    whole = (assets.FOLDER / "js/pictures/queue.js").read_bytes()
    tags = {}
    for accepted, coding in (
        ("gzip, deflate, br, zstd", "br"),
        ("gzip", "gzip"),
        ("br;q=0, gzip;q=0.5", "gzip"),
        ("identity", None),
        ("zstd", None),
        ("", None),
    ):
        answer = nobody.get(SCRIPT, headers={"Accept-Encoding": accepted})
        assert answer.headers.get("Content-Encoding") == coding, accepted
        assert DECODE[coding](answer.data) == whole
        assert answer.headers["Vary"] == "Accept-Encoding"
        assert answer.mimetype == "text/javascript"
        tags[coding] = answer.headers["ETag"]
    assert len(set(tags.values())) == 3
    again = {"Accept-Encoding": "br", "If-None-Match": tags["br"]}
    assert nobody.get(SCRIPT, headers=again).status_code == 304
    part = nobody.get(SCRIPT, headers={"Accept-Encoding": "br", "Range": "bytes=0-9"})
    assert (part.status_code, part.data) == (206, whole[:10])


def test_all_of_it_is_compressed_before_a_process_serves(nobody: Caller) -> None:
    assert "    compress_all()" in (assets.FOLDER.parents[1] / "gunicorn.conf.py").read_text()
    assets._compressed.cache_clear()
    assets.compress_all()
    before = assets._compressed.cache_info()
    for coding in DECODE:
        nobody.get(SCRIPT, headers={"Accept-Encoding": coding or ""})
    after = assets._compressed.cache_info()
    assert (after.misses, after.hits) == (before.misses, before.hits + 2)


def test_what_is_kept_compressed_is_bounded_by_the_files(nobody: Caller) -> None:
    nobody.get(SCRIPT, headers={"Accept-Encoding": "br"})
    before = assets._compressed.cache_info().currsize
    for way in ("js/./pictures/queue.js", "js/pictures/./././queue.js"):
        answer = nobody.get(f"/static/{way}", headers={"Accept-Encoding": "br"})
        assert answer.status_code in {200, 404}
    for missing in ("js/none.js", "../web/assets.py", "js"):
        assert nobody.get(f"/static/{missing}").status_code == 404
    assert assets._compressed.cache_info().currsize == before


def test_fonts_are_compressed_already(nobody: Caller) -> None:
    font = "/static/vendor/fonts/inter-latin-wght-normal.woff2"
    answer = nobody.get(font, headers={"Accept-Encoding": "br, gzip"})
    assert answer.status_code == 200
    assert not {"Content-Encoding", "Vary"} & set(answer.headers.keys())

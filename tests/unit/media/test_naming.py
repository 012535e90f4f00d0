"""Names kept for people, and names written into Content-Disposition (RFC 6266, RFC 8187)."""

import re
import time
import unicodedata
from urllib.parse import unquote

import pytest
from hypothesis import given, strategies as st

from avenue.media.naming import MAX_NAME_CHARACTERS, content_disposition, display_name
from tests.table import table

FAMILY = "👨\u200d👩\u200d👧"


@table(
    "raw, kept",
    [
        ("zapato.jpg", "zapato.jpg"),
        ("Zapato Rojo.JPG", "Zapato Rojo.jpg"),
        ("zapato.jpeg", "zapato.jpg"),
        ("a png called.png", "a png called.jpg"),
        ("no extension", "no extension.jpg"),
        ("informe v1.2", "informe v1.2.jpg"),
        ("archive.tar.gz", "archive.tar.jpg"),
        ("evil.html", "evil.jpg"),
        ("evil.jpg.php", "evil.jpg.jpg"),
        ("中文图片.png", "中文图片.jpg"),
        ("فارسی.png", "فارسی.jpg"),
        ("می\u200cخواهم.png", "می\u200cخواهم.jpg"),
        (f"{FAMILY}.png", f"{FAMILY}.jpg"),
        ("nin\u0303o.png", "niño.jpg"),
        ('say "cheese".jpg', 'say "cheese".jpg'),
        ("../../etc/passwd", "passwd.jpg"),
        ("C:\\fakepath\\foto.png", "foto.jpg"),
        ("/var/www/", "www.jpg"),
        ("a/\\b//c.png", "c.jpg"),
        ("two\r\nlines.png", "two lines.jpg"),
        ("tab\tand\u2028line\u00a0space.png", "tab and line space.jpg"),
        ("nul\0byte.png", "nulbyte.jpg"),
        ("shell.jpg\0.php", "shell.jpg.jpg"),
        ("bell\x07 del\x7f c1\x85x\x9b.png", "bell del c1 x.jpg"),
        ("photo\u202egnp.exe", "photognp.jpg"),
        ("\u2066iso\u2069lated\u200e\u200f.png", "isolated.jpg"),
        ("\ufeffbom\u200b.png", "bom.jpg"),
        ("lone\ud800 sur\udcffrogate.png", "lone surrogate.jpg"),
        ("", "picture.jpg"),
        (" ", "picture.jpg"),
        (".", "picture.jpg"),
        ("...", "picture.jpg"),
        (".jpg", "picture.jpg"),
        ("///", "picture.jpg"),
        ("\u202e\0\r\n", "picture.jpg"),
        ("\u200d\u200c.png", "picture.jpg"),
        (".htaccess", "htaccess.jpg"),
        ("dots at the end....", "dots at the end.jpg"),
        ("  spaces   inside  .png", "spaces inside.jpg"),
        ("a" * 4096 + ".png", "a" * 196 + ".jpg"),
        ("字" * 4096 + ".png", "字" * 196 + ".jpg"),
        ("a" * 195 + " b.png", "a" * 195 + ".jpg"),
    ],
)
def test_a_client_name_is_kept_as(raw, kept):
    assert display_name(raw, "jpg") == kept


@given(st.text(st.characters(codec=None) | st.sampled_from("./\\\u202e\u0301 \0")))
def test_whatever_the_client_wrote_the_name_is_clean(raw):
    name = display_name(raw, "webp")
    assert name.endswith(".webp")
    assert len(".webp") < len(name) <= MAX_NAME_CHARACTERS
    assert unicodedata.is_normalized("NFC", name)
    assert {unicodedata.category(each) for each in name} & {"Cc", "Cs", "Zl", "Zp"} == set()
    assert {each for each in name if unicodedata.category(each) == "Cf"} <= {"\u200c", "\u200d"}
    assert not set("/\\") & set(name)
    assert name[0] not in " ."
    assert display_name(name, "webp") == name


@table("section, name, value", [
        ("RFC 6266 4.3", "zapato.jpg", 'filename="zapato.jpg"'),
        ("RFC 6266 4.3", "Zapato Rojo (1).jpg", 'filename="Zapato Rojo (1).jpg"'),
        (
            "RFC 6266 4.3, both forms",
            "niño.jpg",
            "filename=\"nino.jpg\"; filename*=UTF-8''ni%C3%B1o.jpg",
        ),
        (
            "RFC 8187 3.2.3, UTF-8",
            "中文.jpg",
            "filename=\"picture.jpg\"; filename*=UTF-8''%E4%B8%AD%E6%96%87.jpg",
        ),
        (
            "RFC 8187 3.2.3, beyond the first plane",
            "👟 nuevo.jpg",
            "filename=\"nuevo.jpg\"; filename*=UTF-8''%F0%9F%91%9F%20nuevo.jpg",
        ),
        (
            "RFC 6266 appendix D, quotes",
            'a "b".jpg',
            "filename=\"a _b_.jpg\"; filename*=UTF-8''a%20%22b%22.jpg",
        ),
        (
            "RFC 6266 appendix D, percent signs",
            "100%41.jpg",
            "filename=\"100_41.jpg\"; filename*=UTF-8''100%2541.jpg",
        ),
        (
            "RFC 6266 4.3, semicolon",
            "a; filename=evil.exe; x.jpg",
            "filename=\"a_ filename=evil.exe_ x.jpg\"; "
            "filename*=UTF-8''a%3B%20filename%3Devil.exe%3B%20x.jpg",
        ),
        (
            "RFC 8187 3.2.1, attr-char",
            "it's*(1)'.jpg",
            "filename=\"it_s_(1)_.jpg\"; filename*=UTF-8''it%27s%2A%281%29%27.jpg",
        ),
        ("RFC 6266 4.3, paths", "../../etc/passwd", 'filename="passwd"'),
        ("RFC 6266 4.3, paths", "C:\\x\\a.jpg", 'filename="a.jpg"'),
        ("RFC 9110 5.5, CR and LF", "a\r\nSet-Cookie: x=1.jpg",
         "filename=\"a Set-Cookie_ x=1.jpg\"; filename*=UTF-8''a%20Set-Cookie%3A%20x%3D1.jpg"),
        ("RFC 9110 5.5, NUL", "a\0b.jpg", 'filename="ab.jpg"'),
        ("no reordering", "photo\u202egpj.exe", 'filename="photogpj.exe"'),
        ("no surrogates", "a\ud83db.jpg", 'filename="ab.jpg"'),
        ("no slash out of a look-alike", "a／b½.jpg",
         "filename=\"a_b12.jpg\"; filename*=UTF-8''a%EF%BC%8Fb%C2%BD.jpg"),
        ("empty", "", 'filename="picture"'),
        ("only an extension", ".jpg", 'filename="picture.jpg"'),
        ("4 KB", "a" * 4096 + ".jpg", f'filename="{"a" * 196}.jpg"'),
    ])  # fmt: skip
def test_a_content_disposition_says(section, name, value):
    assert content_disposition(name, download=False) == f"inline; {value}", section
    assert content_disposition(name, download=True) == f"attachment; {value}", section


VALUE = re.compile(
    r'inline; filename="(?P<plain>[A-Za-z0-9_ .,+@()=-]+)"'
    r"(?:; filename\*=UTF-8''(?P<full>(?:[A-Za-z0-9!#$&+.^_`|~-]|%[0-9A-F]{2})+))?"
)


@given(st.text(st.characters(codec=None) | st.sampled_from("\"\\%;'*\r\n\0\u202e./")))
def test_whatever_the_name_the_header_is_safe_and_means_it(name):
    found = VALUE.fullmatch(content_disposition(name, download=False))
    assert found
    assert len(found[0]) < 3000
    stored = display_name(name, "jpg")
    again = VALUE.fullmatch(content_disposition(stored, download=False))
    assert unquote(again["full"] or again["plain"]) == stored
    assert again["plain"].endswith(".jpg")


@pytest.mark.parametrize("mark", ["\u0301", "\u0316\u0301", "ﷺ", "\u202e", "/", ". "])
def test_a_megabyte_of_name_costs_next_to_nothing(mark):
    began = time.thread_time()
    display_name(mark * 500_000, "jpg")
    content_disposition(mark * 500_000, download=True)
    assert time.thread_time() - began < 2

"""What HTTP asks of whoever serves files, as one table: RFC 9110 §8, §13, §14 and RFC 9111.

`test_conformance.py` sends every request of it to real servers, along every way an answer can
take; `docs/generate.py` writes docs/http.md from it. A row says what a section demands, what is
sent, and what must come back. Every request is sent with GET and with HEAD, and every answer must
also hold what `test_conformance.py` says of any answer (Date, lengths, headers that may not be
there), which is what the rows without a request of their own stand for.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

MUST, SHOULD, MAY = "MUST", "SHOULD", "MAY"

# What is asked for. The first four are files; each way of answering has its own limits.
THUMB = "thumb"  # a rendition, at the URL of its bytes
ORIGINAL = "original"  # small enough to be kept at hand, at the URL of its bytes
LARGE = "large"  # several chunks, never kept at hand, at the URL of its bytes
STABLE = "stable"  # the same file at the URL of whatever is current
EMPTY = "empty"  # no bytes at all
PRIVATE = "private"  # for its owner only, who asks
CHOSEN = "chosen"  # the URL of whatever is current in a size: 302
MOVED = "moved"  # an address from before the file was replaced: 308
MISSING = "missing"  # nothing there: 404

AT_HAND = (THUMB, ORIGINAL)
FILES = (*AT_HAND, STABLE)
ANY_FILE = (*FILES, LARGE)
NO_FILES = (CHOSEN, MOVED, MISSING)
EVERYTHING = (*ANY_FILE, EMPTY, PRIVATE, *NO_FILES)

CACHE_CONTROL: Mapping[str, str] = {
    **dict.fromkeys((THUMB, ORIGINAL, LARGE, EMPTY), "public, max-age=31536000, immutable"),
    STABLE: "public, max-age=60, must-revalidate",
    PRIVATE: "private, no-store",
    CHOSEN: "private, max-age=60",
    MOVED: "public, max-age=60",
    MISSING: "no-store",
}
MEDIA_TYPE: Mapping[str, str] = {
    THUMB: "image/webp",
    **dict.fromkeys((ORIGINAL, STABLE, EMPTY, PRIVATE), "image/jpeg"),
    LARGE: "image/png",
    **dict.fromkeys((CHOSEN, MOVED), "text/html; charset=utf-8"),
    MISSING: "application/json",
}
STATUS: Mapping[str, int] = {
    **dict.fromkeys((*ANY_FILE, EMPTY, PRIVATE), 200),
    CHOSEN: 302,
    MOVED: 308,
    MISSING: 404,
}
"""What each answers when there is nothing to consider."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What must come back.

    `part`: the bytes from and before, for a 206; a negative end counts from behind, None is the
    end. `fields`: header fields with their values; None for one that must not be there.
    """

    status: int | None = None
    part: tuple[int, int | None] | None = None
    fields: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One demand of the standards, and requests that show whether it is met.

    `requests`: header fields of each, one a line. In them, and in what must come back, stand for
    the file that is asked for: `{etag}` (with quotes), `{modified}` and the same moment in the
    older forms, `{before}` and `{after}` by a second, `{length}`, `{last}` (the number of its last
    byte), `{path}`, `{sha256}` (in base64). `instead`: why we do otherwise, where the standard
    leaves a choice.
    `by_parser`: gunicorn refuses it before we are asked, so its own worker words it differently.
    """

    section: str
    level: str
    demand: str
    answer: Answer
    on: tuple[str, ...]
    requests: tuple[str, ...] = ("",)
    methods: tuple[str, ...] = ("GET",)
    line: str = "{method} {path} HTTP/1.1"
    host: str = "Host: {host}"
    instead: str = ""
    by_parser: bool = False


WHOLE = Answer(status=200)
AS_ALWAYS = Answer()  # whatever the resource answers to a plain GET
NOT_MODIFIED = Answer(status=304)
REFUSED = Answer(status=412)
NO_SUCH_PART = Answer(status=416, fields={"Content-Range": "bytes */{length}"})
NOT_ALLOWED = Answer(status=405, fields={"Allow": "GET, HEAD, OPTIONS"})
NOT_HTTP = Answer(status=400)


def part(start: int, end: int | None) -> Answer:
    """Return a 206 with the bytes from `start` up to before `end`."""
    return Answer(status=206, part=(start, end))


def sends(**fields: str | None) -> Answer:
    """Return the usual answer with these header fields (`_` for `-`)."""
    return Answer(fields={name.replace("_", "-"): value for name, value in fields.items()})


def row(
    section: str,
    level: str,
    demand: str,
    answer: Answer,
    *requests: str,
    on: Iterable[str] = FILES,
    methods: Iterable[str] = ("GET",),
    **rest: Any,
) -> Row:
    """Return one row of the tables below."""
    return Row(
        section=section,
        level=level,
        demand=demand,
        answer=answer,
        on=tuple(on),
        requests=requests or ("",),
        methods=tuple(methods),
        **rest,
    )


REPRESENTATION = (
    row(
        "§8.3",
        SHOULD,
        "The type that the bytes have, whatever the upload called them",
        sends(Content_Type="{media_type}"),
        on=(*ANY_FILE, EMPTY, PRIVATE),
    ),
    row(
        "§8.4, §12.5.3",
        SHOULD,
        "No coding that was not asked for; pictures are compressed already, so there is one form "
        "for every `Accept-Encoding`",
        sends(Content_Encoding=None, Vary=None),
        "Accept-Encoding: gzip, br, zstd",
        "Accept-Encoding: identity;q=0, *;q=0",
        on=ANY_FILE,
    ),
    row(
        "§8.6, §9.3.2",
        MUST,
        "`Content-Length` is the number of bytes that follow; in the answer to HEAD, that of GET",
        sends(Content_Length="{length}", Transfer_Encoding=None),
        on=(*ANY_FILE, EMPTY, PRIVATE),
    ),
    row(
        "§8.7",
        MAY,
        "`Content-Location`, where the same content has an address of its own",
        sends(Content_Location=None),
        on=EVERYTHING,
        instead="it is never sent: a cache could take one address for the other, and they are "
        "kept for different times",
    ),
    row(
        "§8.8.2",
        SHOULD,
        "`Last-Modified`, as an IMF-fixdate and never later than `Date` (§8.8.2.1)",
        sends(Last_Modified="{modified}"),
        on=(*ANY_FILE, EMPTY, PRIVATE),
    ),
    row(
        "§8.8.3",
        SHOULD,
        "A strong `ETag` in quotes, which changes with the bytes and with nothing else",
        sends(ETag="{etag}"),
        on=(*ANY_FILE, EMPTY, PRIVATE),
    ),
    row(
        "RFC 9530 §3",
        MAY,
        "`Repr-Digest`: the hash of the whole file, as a dictionary of byte sequences",
        sends(Repr_Digest="sha-256=:{sha256}:"),
        "",
        "Want-Repr-Digest: sha-512=10, sha-256=1",
        on=(*ANY_FILE, PRIVATE),
    ),
    row(
        "RFC 9530 §3",
        MUST,
        "of all of it in a 206, too",
        Answer(status=206, part=(10, 20), fields={"Repr-Digest": "sha-256=:{sha256}:"}),
        "Range: bytes=10-19",
        on=(*ANY_FILE, PRIVATE),
    ),
    row(
        "RFC 9530 §3",
        MAY,
        "and nothing of that with what is no file",
        sends(Repr_Digest=None, Content_Digest=None),
        on=NO_FILES,
    ),
    row(
        "§8.8.3.3",
        MUST,
        "Forms that are chosen between have tags of their own: each format has its own address",
        sends(ETag=None, Location="{origin}{thumb}"),
        on=(CHOSEN,),
    ),
    row(
        "RFC 6266 §4.2",
        MAY,
        "A name to save the file under; a download only where that is asked for",
        sends(Content_Disposition='attachment; filename="foto.jpg"'),
        on=(ORIGINAL, STABLE),
        line="{method} {path}?download=1 HTTP/1.1",
    ),
)

CONDITIONS = (
    row(
        "§13.1.1",
        MUST,
        "`If-Match` compares strongly: the file, when its tag is among those named, or for `*`",
        WHOLE,
        "If-Match: {etag}",
        'If-Match: "a", {etag}',
        'If-Match: W/"a" , "b,c",{etag}',
        "If-Match: *",
        on=(*ANY_FILE, EMPTY),
    ),
    row(
        "§13.1.1",
        MUST,
        "and is refused when it is not; a weak tag never matches",
        REFUSED,
        'If-Match: "a"',
        "If-Match: W/{etag}",
        'If-Match: "a", W/{etag}',
        "If-Match: {etag_upper}",
        "If-Match: rubbish",
        on=(*ANY_FILE, EMPTY),
    ),
    row(
        "§13.1.2",
        MUST,
        "`If-None-Match` compares weakly: 304 when the tag is among those named, or for `*`",
        NOT_MODIFIED,
        "If-None-Match: {etag}",
        "If-None-Match: W/{etag}",
        'If-None-Match: "a", W/"b,c", {etag}',
        'If-None-Match: W/{etag}, "a"',
        "If-None-Match: *",
        on=(*ANY_FILE, EMPTY, PRIVATE),
    ),
    row(
        "§13.1.2, §8.8.3",
        MUST,
        "The file is sent when it is not; tags are compared byte by byte",
        WHOLE,
        'If-None-Match: "a"',
        'If-None-Match: "a", W/"b"',
        "If-None-Match: {etag_upper}",
        "If-None-Match: {etag_bare}",
        "If-None-Match:",
        "If-None-Match: rubbish",
        on=(*ANY_FILE, EMPTY),
    ),
    row(
        "§13.1.3",
        MUST,
        "`If-None-Match` there: `If-Modified-Since` is ignored",
        WHOLE,
        'If-None-Match: "a"\nIf-Modified-Since: {modified}',
        'If-Modified-Since: {after}\nIf-None-Match: "a"',
        "If-None-Match:\nIf-Modified-Since: {after}",
    ),
    row(
        "§13.1.3",
        MUST,
        "and the other way round",
        NOT_MODIFIED,
        "If-None-Match: {etag}\nIf-Modified-Since: {before}",
        "If-Modified-Since: {before}\nIf-None-Match: {etag}",
    ),
    row(
        "§13.1.3",
        SHOULD,
        "304 when the file is not younger than `If-Modified-Since`",
        NOT_MODIFIED,
        "If-Modified-Since: {modified}",
        "If-Modified-Since: {after}",
        on=(*ANY_FILE, EMPTY),
    ),
    row(
        "§13.1.3",
        MUST,
        "The file when it is younger",
        WHOLE,
        "If-Modified-Since: {before}",
        "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT",
        on=(*ANY_FILE, EMPTY),
    ),
    row(
        "§5.6.7",
        MUST,
        "Dates are understood in all three forms",
        NOT_MODIFIED,
        "If-Modified-Since: {modified}",
        "If-Modified-Since: {modified_rfc850}",
        "If-Modified-Since: {modified_asctime}",
    ),
    row(
        "§13.1.3, §13.1.4",
        MUST,
        "What is no date, or more than one, is ignored",
        WHOLE,
        "If-Modified-Since: tomorrow",
        "If-Modified-Since: 0",
        "If-Modified-Since:",
        "If-Modified-Since: Sat, 31 Feb 2049 00:00:00 GMT",
        "If-Modified-Since: {after} +0100",
        "If-Modified-Since: {after}, {after}",
        "If-Modified-Since: {after}\nIf-Modified-Since: {after}",
        "If-Unmodified-Since: yesterday",
        "If-Unmodified-Since: {before}\nIf-Unmodified-Since: {before}",
    ),
    row(
        "§13.1.4",
        MUST,
        "Refused when the file is younger than `If-Unmodified-Since`",
        REFUSED,
        "If-Unmodified-Since: {before}",
        "If-Unmodified-Since: Sunday, 06-Nov-94 08:49:37 GMT",
        on=(*ANY_FILE, EMPTY),
    ),
    row(
        "§13.1.4",
        MUST,
        "and sent when it is not",
        WHOLE,
        "If-Unmodified-Since: {modified}",
        "If-Unmodified-Since: {modified_asctime}",
        "If-Unmodified-Since: {after}",
    ),
    row(
        "§13.1.4",
        MUST,
        "`If-Match` there: `If-Unmodified-Since` is ignored",
        WHOLE,
        "If-Match: {etag}\nIf-Unmodified-Since: {before}",
        "If-Unmodified-Since: {before}\nIf-Match: *",
    ),
    row(
        "§13.2.2",
        MUST,
        "`If-Match` and `If-Unmodified-Since` come before the others",
        REFUSED,
        'If-Match: "a"\nIf-None-Match: {etag}',
        'If-None-Match: *\nIf-Match: "a"\nRange: bytes=0-9',
        "If-Unmodified-Since: {before}\nIf-None-Match: {etag}",
        'If-Match: "a"\nIf-Unmodified-Since: {after}\nIf-Modified-Since: {after}',
        on=ANY_FILE,
    ),
    row(
        "§13.2.2",
        MUST,
        "A condition that holds lets the next one decide",
        NOT_MODIFIED,
        "If-Match: {etag}\nIf-None-Match: {etag}",
        "If-Match: *\nIf-Modified-Since: {modified}",
        "If-Unmodified-Since: {modified}\nIf-None-Match: *",
        on=ANY_FILE,
    ),
    row(
        "§13.2.2",
        MUST,
        "304 comes before a range",
        NOT_MODIFIED,
        "If-None-Match: {etag}\nRange: bytes=0-9",
        "Range: bytes=0-9\nIf-Range: {etag}\nIf-None-Match: {etag}",
        "If-Modified-Since: {modified}\nRange: bytes={length}-",
        on=ANY_FILE,
    ),
    row(
        "§13.2.2",
        MUST,
        "and a range comes last, when no condition stands in its way",
        part(0, 10),
        'If-None-Match: "a"\nRange: bytes=0-9',
        "If-Modified-Since: {before}\nRange: bytes=0-9",
        "If-Match: {etag}\nIf-Range: {etag}\nRange: bytes=0-9",
        "If-Unmodified-Since: {modified}\nRange: bytes=0-9",
        on=ANY_FILE,
    ),
    row(
        "§13.2.1",
        MUST,
        "What would not be 2xx without conditions is answered as if there were none",
        AS_ALWAYS,
        "If-None-Match: *",
        'If-Match: "a"',
        "If-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT",
        "Range: bytes=0-9",
        "Range: bytes=99999999-",
        on=NO_FILES,
    ),
    row(
        "§15.4.5",
        MUST,
        "A 304 has `Date`, and the `ETag`, `Cache-Control` and `Vary` of the 200",
        Answer(status=304, fields={"ETag": "{etag}", "Cache-Control": "{cache_control}"}),
        "If-None-Match: {etag}",
        "If-Modified-Since: {modified}",
        on=(*ANY_FILE, EMPTY, PRIVATE),
    ),
    row(
        "§15.4.5",
        SHOULD,
        "and nothing else that describes a file",
        Answer(
            status=304,
            fields=dict.fromkeys(
                (
                    "Content-Type",
                    "Content-Length",
                    "Content-Range",
                    "Content-Encoding",
                    "Content-Disposition",
                    "Last-Modified",
                    "Repr-Digest",
                )
            ),
        ),
        "If-None-Match: {etag}",
        "If-None-Match: W/{etag}",
        "If-Modified-Since: {modified}",
        on=(*ANY_FILE, EMPTY, PRIVATE),
    ),
)

RANGES = (
    row(
        "§14.1.2",
        MAY,
        "One range: from, up to and including",
        part(10, 20),
        "Range: bytes=10-19",
        "Range: bytes=00010-000000000019",
        on=(*ANY_FILE, PRIVATE),
    ),
    row("§14.1.2", MAY, "one byte", part(0, 1), "Range: bytes=0-0", on=ANY_FILE),
    row("§14.1.2", MAY, "up to the end", part(100, None), "Range: bytes=100-", on=ANY_FILE),
    row(
        "§14.1.2",
        MUST,
        "An end behind the end is the end, however large the number",
        part(10, None),
        "Range: bytes=10-{length}",
        "Range: bytes=10-99999999999999999999999999",
        "Range: bytes=10-{nines}",
        on=ANY_FILE,
    ),
    row(
        "§14.1.2",
        MUST,
        "the last so many bytes",
        part(-100, None),
        "Range: bytes=-100",
        "Range: bytes=-00100",
        on=ANY_FILE,
    ),
    row(
        "§14.1.2",
        MUST,
        "all of it when there are fewer",
        part(0, None),
        "Range: bytes=-{length}",
        "Range: bytes=-99999999999999999999999999",
        "Range: bytes=-{nines}",
        "Range: bytes=0-",
        on=ANY_FILE,
    ),
    row(
        "§14.1.2",
        MUST,
        "parts that begin and end in different chunks of the database",
        part(1_048_570, 1_048_590),
        "Range: bytes=1048570-1048589",
        on=(LARGE,),
    ),
    row(
        "§14.1, §5.6.1.2",
        MUST,
        "The unit has no case; empty elements of the list are passed over",
        part(0, 10),
        "Range: Bytes=0-9",
        "Range: BYTES=0-9",
        "Range: bytes=,0-9",
        "Range: bytes=0-9,",
        "Range: bytes=, ,0-9 ,\t,",
    ),
    row(
        "§15.5.17, §14.4",
        SHOULD,
        "416 when nothing lies in the range, with the length in `Content-Range`",
        NO_SUCH_PART,
        "Range: bytes={length}-",
        "Range: bytes={length}-{length}",
        "Range: bytes=99999999999999999999999999-",
        "Range: bytes={nines}-",
        "Range: bytes=-0",
        "Range: bytes=-000",
        on=(*ANY_FILE, PRIVATE),
    ),
    row(
        "§14.1.2",
        MUST,
        "Of an empty file nothing lies in any range",
        NO_SUCH_PART,
        "Range: bytes=0-",
        "Range: bytes=0-0",
        on=(EMPTY,),
    ),
    row(
        "§14.1.2",
        MAY,
        "but its last bytes, which `Content-Range` has no words for",
        WHOLE,
        "Range: bytes=-1",
        on=(EMPTY,),
    ),
    row(
        "§14.2",
        MUST,
        "Another unit is ignored",
        WHOLE,
        "Range: pages=1-2",
        "Range: byte=0-9",
        "Range: items=0-9, bytes=0-9",
        on=ANY_FILE,
    ),
    row(
        "§14.2",
        MAY,
        "What is no range is ignored: first behind last, no number, a sign, a space",
        WHOLE,
        "Range: bytes=9-5",
        "Range: bytes=-",
        "Range: bytes=",
        "Range: bytes",
        "Range:",
        "Range: 0-9",
        "Range: bytes=a-b",
        "Range: bytes=0x0-0x9",
        "Range: bytes=+0-9",
        "Range: bytes=--9",
        "Range: bytes=0-9-",
        "Range: bytes=0 -9",
        "Range: bytes= 0-9",
        "Range: bytes =0-9",
        "Range: bytes=0.0-9.0",
        "Range: bytes=0-9;q=1",
        on=FILES,
    ),
    row(
        "§14.2, §15.3.7.2",
        MAY,
        "Several ranges at once as `multipart/byteranges`",
        Answer(status=200, fields={"Content-Type": "{media_type}"}),
        "Range: bytes=0-1,4-5",
        "Range: bytes=0-99, 50-149",
        "Range: bytes=0-,0-,0-",
        "Range: bytes=-1, -1",
        "Range: bytes=0-9, {length}-",
        "Range: bytes={many}",
        "Range: bytes=0-1\nRange: bytes=4-5",
        on=ANY_FILE,
        instead="all of it: a list of ranges can ask for the same bytes hundreds of times, "
        "and no browser or CDN sends one for a picture",
    ),
    row(
        "§14.2",
        MUST,
        "`Range` means nothing to any method but GET",
        WHOLE,
        "Range: bytes=0-9",
        "Range: bytes={length}-",
        'Range: bytes=0-9\nIf-Range: "a"',
        on=ANY_FILE,
        methods=("HEAD",),
    ),
    row(
        "§14.3",
        MAY,
        "`Accept-Ranges: bytes` on whatever may be asked for in parts",
        sends(Accept_Ranges="bytes"),
        on=(*ANY_FILE, EMPTY),
    ),
    row(
        "§15.3.7",
        MUST,
        "A 206 has `Content-Range` and `Date`, and all that the 200 would have",
        Answer(
            status=206,
            part=(0, 10),
            fields={
                "Content-Range": "bytes 0-9/{length}",
                "Content-Length": "10",
                "ETag": "{etag}",
                "Cache-Control": "{cache_control}",
                "Content-Type": "{media_type}",
                "Last-Modified": "{modified}",
            },
        ),
        "Range: bytes=0-9",
        on=(*ANY_FILE, PRIVATE),
    ),
    row(
        "§15.3.7",
        SHOULD,
        "With `If-Range`, without what describes the whole",
        Answer(status=206, part=(0, 10), fields={"Content-Type": "{media_type}"}),
        "Range: bytes=0-9\nIf-Range: {etag}",
        instead="a part is described the same way with and without: the bytes are few, and whoever "
        "has lost the first part still knows the type",
    ),
    row(
        "§13.1.5",
        MUST,
        "`If-Range` with our tag: the part",
        part(0, 10),
        "Range: bytes=0-9\nIf-Range: {etag}",
        "If-Range: {etag}\nRange: bytes=0-9",
        on=(*ANY_FILE, PRIVATE),
    ),
    row(
        "§13.1.5",
        MUST,
        "with any other, a weak one, several or none: the whole",
        WHOLE,
        'Range: bytes=0-9\nIf-Range: "a"',
        "Range: bytes=0-9\nIf-Range: W/{etag}",
        "Range: bytes=0-9\nIf-Range: {etag_upper}",
        'Range: bytes=0-9\nIf-Range: "a", {etag}',
        "Range: bytes=0-9\nIf-Range: {etag}\nIf-Range: {etag}",
        "Range: bytes=0-9\nIf-Range: *",
        "Range: bytes=0-9\nIf-Range: {etag_bare}",
        "Range: bytes=0-9\nIf-Range:",
        'Range: bytes={length}-\nIf-Range: "a"',
        on=ANY_FILE,
    ),
    row(
        "§13.1.5",
        MUST,
        "with exactly our date, where it is a strong validator (the URL of the bytes): the part",
        part(0, 10),
        "Range: bytes=0-9\nIf-Range: {modified}",
        on=(*AT_HAND, LARGE),
    ),
    row(
        "§13.1.5",
        MUST,
        "with another date, later ones and other forms too: the whole",
        WHOLE,
        "Range: bytes=0-9\nIf-Range: {before}",
        "Range: bytes=0-9\nIf-Range: {after}",
        "Range: bytes=0-9\nIf-Range: {modified_asctime}",
        "Range: bytes=0-9\nIf-Range: yesterday",
        on=ANY_FILE,
    ),
    row(
        "§13.1.5, §8.8.2.2",
        MUST,
        "with our date where the file may change twice in a second: the whole",
        WHOLE,
        "Range: bytes=0-9\nIf-Range: {modified}",
        on=(STABLE, PRIVATE),
    ),
    row(
        "§13.1.5",
        MUST,
        "without `Range` it means nothing",
        WHOLE,
        'If-Range: "a"',
        "If-Range: {before}",
    ),
)

CACHING = (
    row(
        "RFC 9111 §5.2.2, RFC 8246",
        MAY,
        "The URL of the bytes: for everybody, a year, without asking again",
        sends(Cache_Control="public, max-age=31536000, immutable"),
        on=(*AT_HAND, LARGE, EMPTY),
    ),
    row(
        "RFC 9111 §5.2.2.2",
        MAY,
        "The URL of whatever is current: a minute, and never shown stale",
        sends(Cache_Control="public, max-age=60, must-revalidate"),
        on=(STABLE,),
    ),
    row(
        "RFC 9111 §5.2.2.5, §5.2.2.7",
        MUST,
        "What is not for everybody enters no cache",
        sends(Cache_Control="private, no-store", Vary="Cookie, Authorization"),
        on=(PRIVATE,),
    ),
    row(
        "RFC 9111 §3.5",
        MUST,
        "`public` lets a shared cache keep an answer to a request with `Authorization`; so what is "
        "public is the same whoever asks",
        AS_ALWAYS,
        "Authorization: Bearer rubbish",
        "Authorization: Basic dTpw",
        "Cookie: avenue_session=rubbish; avenue_language=en",
        on=(*ANY_FILE, CHOSEN, MOVED),
    ),
    row(
        "RFC 9111 §4.2.2",
        MUST,
        "Nothing is left to a cache's own guess: a moved file is asked for again after a minute",
        sends(Cache_Control="public, max-age=60", Expires=None),
        on=(MOVED,),
    ),
    row(
        "RFC 9111 §3, §4.2.2",
        MUST,
        "and no refusal is kept",
        sends(Cache_Control="no-store"),
        on=(MISSING,),
    ),
    row(
        "RFC 9111 §3",
        MUST,
        "nor that of one condition or range",
        Answer(status=412, fields={"Cache-Control": "no-store"}),
        'If-Match: "a"',
        on=(*ANY_FILE, EMPTY, PRIVATE),
    ),
    row(
        "RFC 9111 §3",
        MUST,
        "(the same for 416)",
        Answer(status=416, fields={"Cache-Control": "no-store"}),
        "Range: bytes={length}-",
        on=(*ANY_FILE, EMPTY, PRIVATE),
    ),
    row(
        "RFC 9111 §4.1, §12.5.5",
        SHOULD,
        "`Vary: Accept` where `Accept` decides",
        sends(Vary="Accept", Location="{origin}{thumb}"),
        "Accept: image/webp,*/*;q=0.8",
        "Accept: */*",
        on=(CHOSEN,),
    ),
    row(
        "RFC 9111 §4.1, §12.5.1",
        SHOULD,
        "A reader who names formats gets one of them",
        sends(Vary="Accept", Location="{origin}{thumb_jpg}"),
        "Accept: image/jpeg",
        "Accept: image/png, image/jpeg;q=0.9, */*;q=0.1",
        "Accept: image/webp;q=0, image/jpeg",
        on=(CHOSEN,),
    ),
    row(
        "RFC 9111 §4.1, §12.5.5",
        SHOULD,
        "No `Vary` where nothing in the request decides",
        sends(Vary=None),
        "Accept: image/png",
        "Accept-Language: en\nUser-Agent: a\nOrigin: https://elsewhere.example",
        on=(*FILES, LARGE, MOVED),
    ),
    row(
        "RFC 9111 §4.3.4",
        MUST,
        "The tag of a 304 is that of the 200, so a cache knows which one it freshens",
        Answer(status=304, fields={"ETag": "{etag}"}),
        "If-None-Match: W/{etag}",
        "If-None-Match: *",
        on=(*ANY_FILE, EMPTY, PRIVATE),
    ),
    row(
        "RFC 9111 §5.1",
        MUST,
        "`Age` only from caches; what a worker has at hand is as fresh as the database",
        sends(Age=None),
        on=EVERYTHING,
    ),
    row(
        "RFC 9111 §5.2.1",
        MAY,
        "Wishes to caches are none of ours",
        AS_ALWAYS,
        "Cache-Control: no-cache",
        "Cache-Control: only-if-cached, max-stale",
        "Cache-Control: no-store\nPragma: no-cache",
        on=(*ANY_FILE, CHOSEN, MOVED, MISSING),
    ),
    row(
        "RFC 9111 §5.3, §5.5",
        MAY,
        "`Expires`, `Warning`, `Pragma`",
        sends(Expires=None, Warning=None, Pragma=None),
        on=EVERYTHING,
        instead="none of them is sent: `max-age` says it, and two sayings could contradict",
    ),
)

METHODS = (
    row(
        "§9.3.2",
        MUST,
        "HEAD: the header fields of GET and no content, refusals and redirects too",
        AS_ALWAYS,
        on=EVERYTHING,
        methods=("HEAD",),
    ),
    row(
        "§9.1, §15.5.6",
        MUST,
        "Every other method is refused, and `Allow` says which are not",
        NOT_ALLOWED,
        on=(*ANY_FILE, CHOSEN, MOVED, MISSING),
        methods=("POST", "PUT", "PATCH", "DELETE", "PROPFIND"),
    ),
    row(
        "§13.1.1, §14.2",
        MUST,
        "whatever it says about conditions and ranges",
        NOT_ALLOWED,
        "If-Match: {etag}",
        "If-None-Match: *",
        "Range: bytes=0-9\nContent-Range: bytes 0-9/10",
        on=FILES,
        methods=("POST", "PUT", "DELETE"),
    ),
    row(
        "§9.3.8",
        MAY,
        "TRACE tells nobody what cookies a browser sent",
        NOT_ALLOWED,
        "Cookie: avenue_session=secret",
        on=FILES,
        methods=("TRACE",),
    ),
    row(
        "§15.6.2",
        SHOULD,
        "501 for a method nobody has heard of",
        NOT_ALLOWED,
        on=FILES,
        methods=("BREW",),
        instead="it says as much, and `Allow` says what to do",
    ),
    row(
        "§9.3.7",
        SHOULD,
        "OPTIONS says what may be done",
        Answer(status=200, fields={"Allow": "GET, HEAD, OPTIONS", "Content-Length": "0"}),
        on=(*FILES, LARGE, MISSING),
        methods=("OPTIONS",),
    ),
)

SYNTAX = (
    row(
        "§5.1",
        MUST,
        "Names of fields have no case",
        NOT_MODIFIED,
        "if-none-match: {etag}",
        "IF-NONE-MATCH: {etag}",
        "iF-mODIFIED-sINCE: {modified}",
    ),
    row(
        "§5.5",
        MUST,
        "Space around a value is not part of it",
        NOT_MODIFIED,
        "If-None-Match:{etag}",
        "If-None-Match: \t {etag}\t ",
        "If-Modified-Since:   {modified}  ",
    ),
    row(
        "§5.3",
        MUST,
        "A field sent twice is one list",
        NOT_MODIFIED,
        'If-None-Match: "a"\nIf-None-Match: {etag}',
        'If-None-Match: {etag}\nX-Between: a\nIf-None-Match: "a"',
    ),
    row(
        "§5.6.1.2",
        MUST,
        "Empty elements of a list are passed over",
        NOT_MODIFIED,
        "If-None-Match: ,{etag}",
        "If-None-Match: , ,{etag},, ",
    ),
    row(
        "§5.6.1.2",
        MUST,
        "(the same for `If-Match`)",
        WHOLE,
        "If-Match: ,{etag}",
        "If-Match: , ,{etag},, ",
    ),
    row(
        "RFC 9112 §3.2.2",
        MUST,
        "The absolute form is understood",
        WHOLE,
        line="{method} https://{host}{path} HTTP/1.1",
    ),
    row(
        "RFC 9112 §3.2.2",
        MUST,
        "and its host counts, whatever `Host` says",
        NOT_HTTP,
        line="{method} https://{host}{path} HTTP/1.1",
        host="Host: elsewhere.example",
        instead="two names in one request are none: a cache in front may have believed the other",
    ),
    row(
        "RFC 9112 §3.2.2",
        MUST,
        "(the same the other way round)",
        NOT_HTTP,
        line="{method} https://elsewhere.example{path} HTTP/1.1",
    ),
    row(
        "RFC 9112 §3.2",
        MUST,
        "No `Host`: refused",
        NOT_HTTP,
        host="X-Not-Host: {host}",
        on=ANY_FILE,
    ),
    row(
        "RFC 9112 §3.2",
        MUST,
        "two of them, too",
        NOT_HTTP,
        host="Host: {host}\r\nHost: {host}",
        on=ANY_FILE,
        by_parser=True,
    ),
    row(
        "RFC 9112 §5.1",
        MUST,
        "A space before the colon: refused",
        NOT_HTTP,
        "If-None-Match : {etag}",
        by_parser=True,
    ),
    row(
        "RFC 9112 §5.2",
        MUST,
        "A folded line is refused (or put into one)",
        NOT_HTTP,
        "If-None-Match: \r\n {etag}",
        by_parser=True,
    ),
    row(
        "§5.5",
        MUST,
        "CR, LF or NUL in a value: refused",
        NOT_HTTP,
        "X-A: a\rb",
        "X-A: a\0b",
        by_parser=True,
    ),
    row(
        "§10.1.1",
        MUST,
        "`100-continue` without content to wait for changes nothing",
        WHOLE,
        "Expect: 100-continue",
    ),
    row(
        "§10.1.1",
        MAY,
        "Another expectation: 417",
        Answer(status=417),
        "Expect: rubbish",
        by_parser=True,
    ),
    row(
        "§10.2.2",
        MAY,
        "A redirect names the site's own address, whatever the request looked like",
        Answer(
            status=308,
            fields={"Location": "{origin}{path}", "Cache-Control": "private, no-cache"},
        ),
        on=AT_HAND,
        line="{method} {doubled} HTTP/1.1",
    ),
)

ON_ALL = (
    ("§6.6.1", MUST, "`Date`, once, as an IMF-fixdate"),
    ("§8.8.2.1", MUST, "`Last-Modified` is never later than `Date`"),
    ("§6.4.1", MUST, "No content after HEAD and 304, and not a byte behind the announced ones"),
    ("§8.6, RFC 9112 §6.2", MUST, "`Content-Length` once, never beside `Transfer-Encoding`"),
    ("§5.3", MUST, "No field twice"),
    ("RFC 9111 §4.2.2", MUST, "`Cache-Control` on everything, `no-store` on every refusal"),
    ("RFC 9111 §7.3", SHOULD, "No `Set-Cookie` with a file"),
)
"""What holds for every answer to every request here."""

CHAPTERS: tuple[tuple[str, tuple[Row, ...]], ...] = (
    ("What a file says of itself", REPRESENTATION),
    ("Conditions", CONDITIONS),
    ("Parts", RANGES),
    ("Caches", CACHING),
    ("Methods", METHODS),
    ("Requests", SYNTAX),
)
ROWS = tuple(each for _, rows in CHAPTERS for each in rows)


EXAMPLES: Mapping[str, str] = {
    "etag": '"tag"',
    "etag_upper": '"TAG"',
    "etag_bare": "tag",
    "modified": "Sun, 06 Nov 1994 08:49:37 GMT",
    "before": "Sun, 06 Nov 1994 08:49:36 GMT",
    "after": "Sun, 06 Nov 1994 08:49:38 GMT",
    "length": "1000",
    "last": "999",
}
MET = "yes"
MEANINGS: Mapping[int, str] = {
    200: "the file",
    206: "the part",
    304: "not modified",
    308: "the address",
    400: "refused",
    405: "not allowed",
    412: "refused",
    416: "no such part",
    417: "refused",
}


def page() -> str:
    """Return docs/http.md."""
    lines = [
        "# HTTP",
        "",
        "How files are served, by RFC 9110 (whose sections stand here without its number), 9111",
        "and 9112. The tests send every row to real servers, with GET and with HEAD, along every",
        "way an answer can take (nothing at hand, bytes at hand, ahead of Flask, the event loop,",
        "gunicorn's own worker): all must answer the same. Examples are about a file of 1,000",
        "bytes that was stored on Sunday, 6 November 1994, at 8:49:37.",
        "",
        "## Every answer",
        "",
        "| section | | |",
        "|---|---|---|",
        *(f"| {section} | {level} | {demand} |" for section, level, demand in ON_ALL),
    ]
    for title, rows in CHAPTERS:
        lines += ["", f"## {title}", "", "| section | | what is asked of us | example | Avenue |"]
        lines += ["|---|---|---|---|---|", *map(_line, rows)]
    return "\n".join([*lines, ""])


def _line(each: Row) -> str:
    told = _told(each.answer)
    if each.instead:
        told = each.instead if told == MET else f"{told}: {each.instead}"
    cells = (each.section, each.level, each.demand, _example(each), told)
    return f"| {' | '.join(cells)} |"


def _example(each: Row) -> str:
    """Return the first request of a row, with escapes for what cannot be seen."""
    method = "" if each.methods == ("GET",) else each.methods[0]
    fields = re.split(r"(?<!\r)\n", each.requests[0].format_map(EXAMPLES))
    shown = [text.encode("unicode_escape").decode() for text in (method, *fields) if text]
    return " ".join(f"`{text}`" for text in shown)


def _told(answer: Answer) -> str:
    if answer.status is not None:
        return f"{answer.status}, {MEANINGS[answer.status]}"
    fixed = {name: value for name, value in answer.fields.items() if value and "{" not in value}
    if not fixed:
        return MET
    return ", ".join(f"`{name}: {value}`" for name, value in fixed.items())

"""Looks at every body before it is timed: byte for byte, through the server that is timed."""

import http.client
from collections.abc import Iterable
from contextlib import closing

from bench.browser import fields
from bench.rows import RANGE, RANGE_FIELD, Ask, Row
from bench.stock import File
from bench.targets import Target

TIMEOUT_SECONDS = 60
UNTAGGED = '"0123456789abcdef"'
"""Sent to who gives no tag, so that its request is as long as the others'."""


class WrongBytes(Exception):
    """A server gave something else than what was stored."""


def check(target: Target, files: Iterable[File]) -> dict[File, str]:
    """Fetch all `files` from `target`; return their tags; raise `WrongBytes`."""
    tags = {}
    with closing(_connection(target)) as connection:
        for file in files:
            answer, body = _get(connection, target, file)
            if answer.status != 200 or body != file.body:
                raise WrongBytes(f"{target.name}: {answer.status} for {file.name}")
            tags[file] = answer.headers.get("ETag", "")
    return tags


def gives_whole(target: Target, file: File, ask: Ask, tag: str) -> bool:
    """Tell whether `target`, asked that way, gives the whole file: no 304, or no part.

    Raise `WrongBytes` for a part that is not the one asked for.
    """
    with closing(_connection(target)) as connection:
        answer, body = _get(connection, target, file, *extra_fields(ask, tag))
    expected = {304: b"", 206: file.body[RANGE], 200: file.body}
    if body != expected[answer.status]:
        raise WrongBytes(f"{target.name}: {answer.status} for {ask} of {file.name}")
    return answer.status == 200


def extra_fields(ask: Ask, tag: str) -> tuple[str, ...]:
    """Return the field lines that make a request one of that kind."""
    return {
        Ask.WHOLE: (),
        Ask.REVALIDATE: (f"If-None-Match: {tag or UNTAGGED}",),
        Ask.RANGE: (RANGE_FIELD,),
    }[ask]


def body_bytes(row: Row, *, whole: bool) -> int:
    """Return how many bytes the body of an answer of `row` has."""
    if row.ask is Ask.WHOLE or whole:
        return row.kind.length
    return 0 if row.ask is Ask.REVALIDATE else RANGE.stop - RANGE.start


def _connection(target: Target) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", target.port, timeout=TIMEOUT_SECONDS)


def _get(
    connection: http.client.HTTPConnection, target: Target, file: File, *extra: str
) -> tuple[http.client.HTTPResponse, bytes]:
    more = dict(line.split(": ", 1) for line in extra)
    headers = {**fields(signed_in=target.signed_in), **more}
    connection.request("GET", target.path_of(file), headers=headers)
    answer = connection.getresponse()
    return answer, answer.read()

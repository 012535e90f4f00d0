"""The tus protocol as a client speaks it, one request at a time."""

import base64
import io
import zipfile
from collections.abc import Mapping
from typing import Any

from werkzeug.test import TestResponse

from tests.http.application import Caller

TUS = "/api/uploads/tus"
SPEAKS = {"Tus-Resumable": "1.0.0"}
PART_TYPE = "application/offset+octet-stream"
MIB = 1024 * 1024


def a_pdf(size: int, seed: int = 1) -> bytes:
    """A file of `size` bytes that begins as a PDF and never repeats a chunk."""
    head = b"%PDF-1.7\n" + seed.to_bytes(4, "big")
    numbers = b"".join(number.to_bytes(4, "big") for number in range(size // 4 + 1))
    return (head + numbers)[:size]


def a_zip(size: int) -> bytes:
    """A ZIP of a little more than `size` bytes."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as writer:
        writer.writestr("a.bin", bytes(size))
    return archive.getvalue()


def metadata(**fields: str) -> str:
    """Fields as `Upload-Metadata` has them."""
    return ",".join(
        f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in fields.items()
    )


def begin(caller: Caller, length: int, body: bytes | None = None, **headers: str) -> TestResponse:
    """Begin an upload, with its first part if there is a `body`."""
    more = {} if body is None else {"data": body, "content_type": PART_TYPE}
    asked = {**SPEAKS, "Upload-Length": str(length), **_names(headers)}
    return caller.post(TUS, headers=asked, **more)


def begun(caller: Caller, length: int, **headers: str) -> str:
    """The id of an upload that was begun."""
    answer = begin(caller, length, **headers)
    assert answer.status_code == 201, answer.text
    return answer.headers["Location"].rpartition("/")[2]


def send(caller: Caller, upload: str, offset: int, body: bytes, **headers: str) -> TestResponse:
    """Send a part."""
    asked = {**SPEAKS, "Upload-Offset": str(offset), **_names(headers)}
    return caller.patch(f"{TUS}/{upload}", headers=asked, data=body, content_type=PART_TYPE)


def head(caller: Caller, upload: str, headers: Mapping[str, str] = SPEAKS) -> TestResponse:
    """Ask where an upload stands."""
    return caller.ask("HEAD", f"{TUS}/{upload}", headers=headers)


def offset_of(caller: Caller, upload: str) -> int:
    answer = head(caller, upload)
    assert answer.status_code == 200
    return int(answer.headers["Upload-Offset"])


def end(caller: Caller, upload: str) -> TestResponse:
    return caller.delete(f"{TUS}/{upload}", headers=SPEAKS)


def _names(headers: Mapping[str, Any]) -> dict[str, str]:
    return {f"Upload-{name.title()}": str(value) for name, value in headers.items()}

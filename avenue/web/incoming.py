"""Reads the files of a request: spooled into unlinked files while they arrive, and hashed.

A file that is too large is refused alone; the others of the same request still count. Names are
returned as sent: code that stores or shows one cleans it.
"""

import contextlib
import hashlib
import re
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, cast

from flask import Flask, g, request
from werkzeug.datastructures import MultiDict
from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import Data, Field, File

from avenue.config import Settings
from avenue.errors import AvenueError
from avenue.web import body, multipart
from avenue.web.errors import (
    KB,
    BadMultipart,
    BodyTooLarge,
    FileTooLarge,
    NoFile,
    SpoolUnavailable,
    TextFieldTooLong,
    TooManyParts,
)
from avenue.web.services import using

FORM = "multipart/form-data"
URLENCODED = "application/x-www-form-urlencoded"
PART_OVERHEAD_BYTES = 64 * KB
UNTYPED = "application/octet-stream"
LOOKS_LIKE_A_FORM = re.compile(rb"--[^\r\n]{1,200}\r\ncontent-disposition:", re.IGNORECASE)
NO_NAME_HINT = (
    "A part came without a filename. In React Native give it {uri, name, type}; in curl write "
    "-F file=@photo.jpg."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingFile:
    """A received file. `file` is at its start, has a descriptor and is closed with the request.

    `name` and `declared_type` are sent by the client and not trusted; `name` may be empty for a raw
    body. `sha256` is hex, of the `length` bytes received; `field` is the name of its part.
    """

    name: str
    declared_type: str
    file: BinaryIO
    length: int
    sha256: str
    field: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A refused file, and why; nothing of it is kept."""

    name: str
    field: str
    error: AvenueError


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """The files of an upload. `files` is empty only if something is in `refused`."""

    files: tuple[IncomingFile, ...]
    refused: tuple[Refused, ...]
    fields: MultiDict[str, str]


def install(app: Flask) -> None:
    """Close the files of a request with the request."""
    app.teardown_request(_close_files)


def incoming_files(
    *, max_bytes: int, fields: MultiDict[str, str] | None = None, more_parts: int = 0
) -> Incoming:
    """Read the upload of the current request: a form, or one file as the body with `?name=`.

    The texts of a form are put into `fields` as they arrive, so the caller has those that came
    before an error. `more_parts` are allowed beyond `AVENUE_MAX_PARTS`: fields of a page's form.

    A file longer than `max_bytes` becomes a `Refused` in a form, and is raised as `FileTooLarge` if
    it is the body. Raise `BodyTooLarge`, `TooManyParts`, `TextFieldTooLong` (413), `NoFile`,
    `BadMultipart`, `BodyCutOff` (400), `SpoolUnavailable` (503).
    """
    media_type, options = parse_options_header(request.headers.get("Content-Type", ""))
    if media_type == FORM:
        kept = MultiDict() if fields is None else fields
        form = _Form(using(Settings), max_bytes, kept, more_parts)
        return _from_form(multipart.boundary_of(options), form)
    if media_type.startswith("multipart/"):
        raise BadMultipart(f"Only {FORM} is read here.")
    if media_type == URLENCODED:
        raise NoFile(hint=f"The request was sent as {URLENCODED}, which holds no files: {FORM}.")
    return _from_body(media_type or UNTYPED, max_bytes, using(Settings))


def file_of(data: bytes, *, name: str, max_bytes: int) -> IncomingFile:
    """Return bytes that were embedded in another body as a file.

    Raise `FileTooLarge`, `NoFile`.
    """
    if not data:
        raise NoFile("The file is empty.")
    spool = _Spool(
        _new_file(using(Settings)), max_bytes, name=name, field="", declared_type=UNTYPED
    )
    spool.take(data)
    if spool.error:
        raise spool.error
    return spool.finished()


def _from_body(media_type: str, max_bytes: int, settings: Settings) -> Incoming:
    name = request.args.get("name", "")
    spool = _Spool(_new_file(settings), max_bytes, name=name, field="", declared_type=media_type)
    try:
        for block in _not_a_form(body.blocks(max_bytes)):
            spool.take(block)
    except BodyTooLarge:
        raise FileTooLarge(max_bytes) from None
    if not spool.length:
        raise NoFile("The body is empty.")
    return Incoming(files=(spool.finished(),), refused=(), fields=MultiDict())


def _not_a_form(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield `blocks`; raise `BadMultipart` if they are a form with another Content-Type."""
    start = True
    for block in blocks:
        if start and LOOKS_LIKE_A_FORM.match(block):
            raise BadMultipart("The body is a form, but its Content-Type does not say so.")
        start = False
        yield block


def _from_form(boundary: bytes, form: "_Form") -> Incoming:
    for event in multipart.events(boundary, body.blocks(form.most_bytes)):
        if isinstance(event, Data):
            form.data(event.data, is_last=not event.more_data)
        else:
            form.begin(event)
    return form.finished()


class _Spool:
    """A file that is being received."""

    def __init__(
        self, file: BinaryIO, max_bytes: int, *, name: str, field: str, declared_type: str
    ) -> None:
        self._file = file
        self._max_bytes = max_bytes
        self.name = name
        self.field = field
        self.declared_type = declared_type
        self.length = 0
        self.error: AvenueError | None = None
        self._sha256 = hashlib.sha256()

    def take(self, data: bytes) -> None:
        if self.error:
            return
        self.length += len(data)
        if self.length > self._max_bytes:
            self.error = FileTooLarge(self._max_bytes)
            self._file.close()
            return
        self._sha256.update(data)
        with _room_or_503():
            self._file.write(data)

    def finished(self) -> IncomingFile:
        with _room_or_503():
            self._file.flush()
        self._file.seek(0)
        return IncomingFile(
            name=self.name,
            declared_type=self.declared_type,
            file=self._file,
            length=self.length,
            sha256=self._sha256.hexdigest(),
            field=self.field,
        )


class _Form:
    """A form that is being received: files are spooled, text is kept, all parts are counted."""

    def __init__(
        self, settings: Settings, max_bytes: int, fields: MultiDict[str, str], more_parts: int
    ) -> None:
        self._settings = settings
        self._max_bytes = max_bytes
        self._most_parts = settings.max_parts + more_parts
        self._parts = 0
        self._files: list[IncomingFile] = []
        self._refused: list[Refused] = []
        self._fields = fields
        self._part: _Spool | _Text | _Nameless

    @property
    def most_bytes(self) -> int:
        """Return the maximum length of the body."""
        return self._most_parts * (self._max_bytes + PART_OVERHEAD_BYTES)

    def begin(self, event: Field | File) -> None:
        self._parts += 1
        if self._parts > self._most_parts:
            raise TooManyParts(limit=self._most_parts)
        field = event.name or ""
        declared_type = event.headers.get("Content-Type", "")
        if isinstance(event, File) and event.filename:
            self._part = _Spool(
                _new_file(self._settings),
                self._max_bytes,
                name=event.filename,
                field=field,
                declared_type=declared_type or UNTYPED,
            )
        elif isinstance(event, File) or not _is_text(declared_type):
            self._part = _Nameless(field)
        else:
            self._part = _Text(field, self._settings.max_text_field_kb * KB)

    def data(self, data: bytes, *, is_last: bool) -> None:
        self._part.take(data)
        if is_last:
            self._end(self._part)

    def _end(self, part: "_Spool | _Text | _Nameless") -> None:
        if isinstance(part, _Spool):
            self._end_file(part)
        elif isinstance(part, _Text) and (text := part.text()) is not None:
            self._fields.add(part.field, text)
        elif part.length:
            self._refuse(part.field, "", NoFile(hint=NO_NAME_HINT))

    def _end_file(self, spool: _Spool) -> None:
        if spool.error:
            self._refuse(spool.field, spool.name, spool.error)
        else:
            self._files.append(spool.finished())

    def _refuse(self, field: str, name: str, error: AvenueError) -> None:
        self._refused.append(Refused(name=name, field=field, error=error))

    def finished(self) -> Incoming:
        named = [each for each in self._refused if not isinstance(each.error, NoFile)]
        if not self._files and not named:
            raise self._refused[0].error if self._refused else self._no_file()
        return Incoming(files=tuple(self._files), refused=tuple(self._refused), fields=self._fields)

    def _no_file(self) -> NoFile:
        if not self._parts:
            return NoFile("The form has no parts.")
        if self._fields:
            return NoFile("The form has text fields only, no part with a filename.")
        return NoFile("The form has a file field, but no file was chosen.")


class _Text:
    """A text field that is being received."""

    def __init__(self, field: str, most_bytes: int) -> None:
        self.field = field
        self._most_bytes = most_bytes
        self._bytes = bytearray()

    @property
    def length(self) -> int:
        return len(self._bytes)

    def take(self, data: bytes) -> None:
        self._bytes += data
        if self.length > self._most_bytes:
            raise TextFieldTooLong(self._most_bytes, field=self.field[:100])

    def text(self) -> str | None:
        """Return the text, or None if it is not text: then it was a file without a name."""
        try:
            return self._bytes.decode()
        except UnicodeDecodeError:
            return None


class _Nameless:
    """A part without name that has a file's headers; an empty one is an empty file field."""

    def __init__(self, field: str) -> None:
        self.field = field
        self.length = 0

    def take(self, data: bytes) -> None:
        self.length += len(data)


def _is_text(declared_type: str) -> bool:
    media_type = parse_options_header(declared_type)[0]
    return media_type in {"", "application/json"} or media_type.startswith("text/")


@contextlib.contextmanager
def _room_or_503() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SpoolUnavailable from error


def _new_file(settings: Settings) -> BinaryIO:
    """Return an unlinked file that is closed with the request."""
    with _room_or_503():
        file = cast("BinaryIO", tempfile.TemporaryFile(dir=settings.tmp_dir))  # noqa: SIM115
    if "incoming" not in g:
        g.incoming = contextlib.ExitStack()
    g.incoming.callback(_close, file)
    return file


def _close(file: BinaryIO) -> None:
    # Data that a full disk did not accept is lost with the unlinked file anyway.
    with contextlib.suppress(OSError):
        file.close()


def _close_files(_error: BaseException | None) -> None:
    if "incoming" in g:
        g.pop("incoming").close()

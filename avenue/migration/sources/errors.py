"""Errors of import sources.

::

    AvenueError
    ├── Invalid              400
    │   ├── BadImportSource       not an import source
    │   └── BadUrlList            a list of URLs that cannot be read
    ├── Conflict             409
    │   └── CursorGone            the list has to be requested again; internal
    └── Unprocessable        422
        ├── SourceGone            the source no longer has the file
        ├── SourceUnclear         the source's answer cannot be parsed
        ├── MalformedEntry        an entry in its list is malformed
        ├── SourceRefuses         the source denies access
        ├── NotOriginal           only modified copies exist
        ├── WouldBePublic         a private file that would be public here
        └── AskedTooOften         a rate limit that did not end
"""

from avenue.errors import Conflict, Invalid, Unprocessable


class BadImportSource(Invalid):
    """The address names no known import source."""

    message = "Files are not imported from {source}: {reason}."
    hint = (
        "Specify a folder, a ZIP, a list of URLs (.csv, .jsonl), or s3://bucket/prefix, "
        "supabase:https://ref.supabase.co/bucket, cloudinary:cloud, cfimages:account."
    )

    def __init__(self, source: str, reason: str) -> None:
        super().__init__(words={"source": source, "reason": reason})


class BadUrlList(Invalid):
    """A list of URLs cannot be read."""

    message = "The list cannot be read: {reason}."
    hint = "Specify a CSV with the column url, or JSON objects with url, one per line, in UTF-8."


class CursorGone(Conflict):
    """The source no longer accepts a cursor of its list."""


class SourceGone(Unprocessable):
    """The source no longer has the file."""

    message = "That file no longer exists there."
    hint = "Remove its address wherever it is used, or upload the file itself."


class SourceRefuses(Unprocessable):
    """The source denies access."""

    message = "The source does not provide this."
    hint = "Check the key in the environment, and what it can read."


class SourceUnclear(Unprocessable):
    """The answer of the source cannot be parsed."""

    message = "The source's response does not match its documentation."
    hint = "Check its address. An old self-hosted Supabase is imported as s3://, which it supports."


class MalformedEntry(Unprocessable):
    """An entry in the list of the source is malformed."""

    message = "The source describes it in a way that is not understood."
    hint = "Upload the file itself."


class NotOriginal(Unprocessable):
    """Only modified copies of the file exist."""

    message = "The source does not have the original of this file."
    hint = "Upload the original itself."


class WouldBePublic(Unprocessable):
    """A file that is or may be private at the source would be public here."""

    message = "Everyone could read this file here, but not everyone can there."
    hint = "Import it with --as uploads, or use --public where the source cannot tell."


class AskedTooOften(Unprocessable):
    """The rate limit of the source did not end in time."""

    code = "rate_limited"
    message = "The source kept answering that it received too many requests."
    hint = "Run the same command again later; it resumes where it stopped."

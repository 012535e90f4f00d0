"""What can go wrong with exports."""

from avenue.errors import Conflict, Invalid, Unprocessable


class NotAnExport(Conflict):
    """The target holds other things than an export of Avenue."""

    code = "not_an_export"
    message = "{target} holds other things than an export of Avenue, so it is left untouched."
    hint = "Give an empty directory or prefix, or one that is not there yet."


class OtherExport(Conflict):
    """The target holds an export of another site, of other parts, or of a newer version."""

    code = "other_export"
    message = "{target} holds an export of something else, so it is left untouched."
    hint = "Give the same site and the same --as as before, or another target."


class NoExport(Invalid):
    """There is no export, or one that did not come to its end."""

    code = "no_export"
    message = "{place} holds no export of Avenue that came to its end."
    hint = (
        "Give what `export` has written, a ZIP of it or s3://bucket/prefix. For other files say "
        "what they become: --as products, media or uploads."
    )

    def __init__(self, place: object) -> None:
        super().__init__(words={"place": place})


class NewerExport(Conflict):
    """A newer version of Avenue wrote this."""

    code = "newer_export"
    message = "A newer version of Avenue has written this export."
    hint = "Use that version, or a newer one."


class MalformedLine(Unprocessable):
    """A line of a manifest is not what it should be."""

    code = "malformed_line"
    message = "This line cannot be brought in ({reason})."
    hint = "All other lines are. Mend it, or export again."

    def __init__(self, reason: str) -> None:
        super().__init__(words={"reason": reason.rstrip(".")})


class FileDiffers(Unprocessable):
    """A file has other bytes than its line says."""

    code = "file_differs"
    message = "The file has other bytes than the manifest says, so it was left out."
    hint = "Export again, or bring the file back from a copy."


class LostFile(Unprocessable):
    """A page names a file that did not come in."""

    code = "lost_file"
    message = "The page names the file {file}, which is not here; it will show nothing there."
    hint = (
        "Bring that file in (private ones are exported with --private), or take it out of the page."
    )

    def __init__(self, file: str) -> None:
        super().__init__(words={"file": file})

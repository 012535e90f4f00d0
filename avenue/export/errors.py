"""Errors of exports."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from avenue.backup.errors import InvalidTarget, TargetFull, TargetRefuses, TargetUnreachable
from avenue.errors import AvenueError, Conflict, Invalid, StorageFull, Unavailable, Unprocessable


class NotAnExport(Conflict):
    """The target contains something other than an export of Avenue."""

    message = "{target} contains things that are not an Avenue export, so it is left untouched."
    hint = "Specify an empty directory or prefix, or one that does not exist yet."


class OtherExport(Conflict):
    """The target contains an export of another site, of other parts, or of a newer version."""

    message = "{target} contains an export of something else, so it is left untouched."
    hint = "Specify the same site and the same --as as before, or another target."


class InvalidExportTarget(Invalid):
    """The target is neither a directory, a ZIP file nor an S3 address."""

    message = "{target} cannot be used for an export."
    hint = "Specify a directory, FILE.zip, or s3://bucket/prefix."


class ExportUnreachable(Unavailable):
    """The target cannot be reached."""

    code = "export_target_unreachable"
    message = "{target} cannot be reached: {why}."
    hint = "Check that it exists (an unmounted disk does not), then export again."


class ExportRefused(Unavailable):
    """The target denies access, or cannot be written to."""

    code = "export_target_refuses"
    message = "{target} rejected the export: {why}."
    hint = "Check this process's permissions there, or the credentials, then export again."


class ExportTargetFull(StorageFull):
    """The target is full."""

    message = "{target} is full."
    hint = (
        "Free up space and export again; in a directory or a bucket, what is already there is kept."
    )


MEANINGS: Mapping[type[AvenueError], type[AvenueError]] = {
    InvalidTarget: InvalidExportTarget,
    TargetUnreachable: ExportUnreachable,
    TargetRefuses: ExportRefused,
    TargetFull: ExportTargetFull,
}


@contextmanager
def speaking_of_exports() -> Iterator[None]:
    """Convert errors of targets, which exports share with backups, into errors of exports."""
    try:
        yield
    except tuple(MEANINGS) as error:
        raise MEANINGS[type(error)](words=error.words) from error


class NoExport(Invalid):
    """There is no export, or it is incomplete."""

    message = "{place} does not contain a complete Avenue export."
    hint = (
        "Specify what `export` wrote, a ZIP of it or s3://bucket/prefix. For other files, "
        "specify what they become: --as products, media or uploads."
    )

    def __init__(self, place: object) -> None:
        super().__init__(words={"place": place})


class NewerExport(Conflict):
    """A newer version of Avenue wrote this."""

    message = "This export was written by a newer version of Avenue."
    hint = "Use that version, or a newer one."


class MalformedLine(Unprocessable):
    """A line of a manifest is malformed."""

    message = "This line cannot be imported ({reason})."
    hint = "All other lines can. Fix it, or export again."

    def __init__(self, reason: str) -> None:
        super().__init__(words={"reason": reason.rstrip(".")})


class FileDiffers(Unprocessable):
    """The bytes of a file differ from its line in the manifest."""

    message = "The file's bytes differ from the manifest, so it was skipped."
    hint = "Export again, or restore the file from a copy."


class LostFile(Unprocessable):
    """A page refers to a file that was not imported."""

    message = (
        "The page uses the file {file}, which is not here; nothing will be shown in its place."
    )
    hint = (
        "Import that file (private ones are exported with --private), or remove it from the page."
    )

    def __init__(self, file: str) -> None:
        super().__init__(words={"file": file})

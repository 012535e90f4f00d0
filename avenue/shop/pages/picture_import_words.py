"""Texts of the pages of pictures by SKU: findings, reasons and advice."""

from collections.abc import Mapping, Sequence

from flask_babel import LazyString

from avenue.errors import AvenueError
from avenue.media.archives import Why
from avenue.shop.matching.models import Finding, KeptFile, Outcome, Reason, State
from avenue.web.language import gettext, lazy_gettext as _

FINDINGS: Mapping[str, tuple[str, LazyString]] = {
    Finding.MATCHED: ("good", _("Matched")),
    Finding.UNMATCHED: ("warn", _("No product")),
    Finding.AMBIGUOUS: ("warn", _("Ambiguous")),
    Finding.LEFT_OUT: ("", _("Skipped")),
}
"""The findings: style and name."""

OUTCOMES: Mapping[str, tuple[str, LazyString]] = {
    Outcome.ADDED: ("good", _("Added")),
    Outcome.PRESENT: ("", _("Already there")),
    Outcome.REFUSED: ("bad", _("Rejected")),
}

FOUND: Mapping[str, LazyString] = {
    Finding.MATCHED: _("With a product"),
    Finding.UNMATCHED: _("Without a product"),
    Finding.AMBIGUOUS: _("Ambiguous files"),
    Finding.LEFT_OUT: _("Skipped files"),
}
COUNTED: Mapping[str, LazyString] = {
    Outcome.ADDED: _("Photos added"),
    Outcome.PRESENT: _("Photos already there"),
    Outcome.REFUSED: _("Rejected photos"),
}
"""Outcomes with a count."""

STATES: Mapping[str, tuple[str, LazyString]] = {
    State.PLANNED: ("", _("Pending")),
    State.EXPIRED: ("warn", _("Expired")),
    State.QUEUED: ("", _("Queued")),
    State.RUNNING: ("", _("Processing")),
    State.DONE: ("good", _("Finished")),
    State.FAILED: ("bad", _("Stopped")),
}

EXAMPLES: Sequence[tuple[str, LazyString]] = (
    ("ZR-01.jpg", _("the photo of ZR-01")),
    ("ZR-01-2.jpg, ZR-01_2.jpg, ZR-01 (2).jpg", _("the second photo of ZR-01")),
    ("ZR-01/1.jpg", _("in a folder named after the SKU")),
)

REASONS: Mapping[str, LazyString] = {
    Reason.NOT_A_PICTURE: _("It is not a JPEG, PNG or WebP."),
    Reason.OTHER_CONTENT: _("Its content is not JPEG, PNG or WebP."),
    Reason.DAMAGED: _("The file is damaged in the ZIP. Compress it again."),
    Reason.EMPTY: _("The file is empty."),
    Reason.TOO_LARGE: _("The file is too large. Make the photo smaller."),
    Reason.TOO_MANY: _("It exceeds the photo limit of this product."),
    Reason.SAME_NAME: _("The ZIP has another file with the same name."),
    Why.HIDDEN: _("Hidden file; nothing is lost."),
    Why.ENCRYPTED: _("It is password-protected. Create the ZIP without a password."),
    Why.PACKED_OTHERWISE: _("Its compression method is not supported. Create a standard ZIP."),
}
NOT_SAFE = _("It cannot be opened safely.")

REFUSED: Mapping[str, LazyString] = {
    "too_many_images": _("The product has reached its photo limit. Remove one first."),
    "unsupported_media_type": _("Its content is not JPEG, PNG or WebP."),
    "broken_image": _("The photo is damaged. Export it again."),
    "damaged_entry": _("The file is damaged in the ZIP. Compress it again."),
    "file_too_large": _("The file is too large. Make the photo smaller."),
    "image_too_large": _("The photo has too many pixels. Make it smaller."),
    "image_too_costly": _("The photo is too complex to open. Export it as a standard JPEG."),
    "product_not_found": _("The product no longer exists."),
    "quota_exceeded": _("There is no space left. Contact the server administrator."),
    "user_quota_exceeded": _("You have no space left. Ask an administrator for more."),
    "empty_file": _("The file is empty."),
}

PROBLEMS: Mapping[str, LazyString] = {
    "picture_import_begun": _("This import is already applied. Send the ZIP again."),
    "archive_expired": _("The ZIP was not applied in time and was deleted. Upload it again."),
    "nothing_to_bring": _("No file matches a product. Name the files after SKUs."),
    "unsupported_media_type": _("This is not a ZIP. Compress the photos into a ZIP."),
    "empty_file": _("The file is empty."),
    "unsafe_archive": _(
        "The ZIP is damaged or cannot be processed. Extract it and choose the folder."
    ),
    "too_many_files": _("The ZIP has too many files. Send it in several parts."),
    "file_too_large": _("The ZIP is too large. Send it in several parts."),
    "no_file": _("Choose a file first."),
    "one_file_only": _("Choose one file only."),
    "body_cut_off": _("The connection was lost. Upload the file again."),
}

STILL_ASKED = _("Some entries match no product, or more than one. Choose the right one.")

PROGRESS_TEXTS: Mapping[str, LazyString] = {
    "progress": _("{done} of {total} photos"),
    "finished": _("Finished."),
    "lost": _("No connection. Retrying…"),
}
FILE_TEXTS: Mapping[str, LazyString] = {
    "chosen": _("{name} ({size} kB)"),
    "packing": _("Preparing photo {done} of {total}…"),
    "sending": _("Uploading part {part} of {parts}: {percent} %"),
    "left": _("Skipped before uploading:"),
    "large": _("{name}: {size} MB; the limit is {most} MB"),
    "none": _("There are no photos in this folder (JPEG, PNG or WebP)."),
    "lost": _("The connection was lost. Choose the folder again: nothing is stored twice."),
    "stop": _("Cancel"),
}


def of_error(error: AvenueError) -> str:
    """Return why a file was refused and what to do about it."""
    known = PROBLEMS.get(error.code)
    return " ".join(error.said(gettext)) if known is None else str(known)


def why(kept: KeptFile) -> str:
    """Return why a file was refused and what to do about it, "" if there is nothing to say."""
    if kept.failure:
        return str(REFUSED.get(kept.failure.code, kept.failure.said(gettext)))
    match kept.finding:
        case Finding.LEFT_OUT:
            return str(REASONS.get(kept.reason or "", NOT_SAFE))
        case Finding.UNMATCHED:
            return gettext("No product has this SKU.")
        case Finding.AMBIGUOUS:
            return gettext(
                "It could belong to %(skus)s. Put it in a folder named after the SKU, as 1.jpg.",
                skus=", ".join(kept.candidates),
            )
        case Finding.MATCHED:
            return ""

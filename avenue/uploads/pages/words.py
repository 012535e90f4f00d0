"""Texts of the pages of general uploads and their modules."""

from collections.abc import Mapping

from flask_babel import LazyString

from avenue.media.errors import ZipTooLarge
from avenue.media.signing.service import DAY_SECONDS
from avenue.uploads.errors import TooManyUploads, UploadHeld, UploadNotFound
from avenue.uploads.kinds import Kind
from avenue.web.language import gettext, lazy_gettext as _, ngettext

CATEGORIES: Mapping[str, LazyString] = {
    "general": _("General"),
    "orders": _("Orders"),
    "deposit_proofs": _("Proofs of deposit"),
    "txid_proofs": _("Proofs of transaction"),
}
"""The built-in categories; others have the name that the site gives them."""

KINDS: Mapping[Kind, LazyString] = {
    Kind.PICTURE: _("Photos and images"),
    Kind.PDF: _("PDF"),
    Kind.VIDEO: _("Video"),
    Kind.AUDIO: _("Audio"),
    Kind.TEXT: _("Text"),
    Kind.DOCUMENT: _("Documents"),
    Kind.OTHER: _("Other files"),
}

NOTHING_CHECKED = "nothing_checked"
HOUR_SECONDS = 60 * 60
DURATIONS: Mapping[int, LazyString] = {
    HOUR_SECONDS: _("1 hour"),
    DAY_SECONDS: _("1 day"),
    7 * DAY_SECONDS: _("7 days"),
    30 * DAY_SECONDS: _("30 days"),
}
"""The lifetimes of a link to choose from, in seconds."""

SIZES: Mapping[str, LazyString] = {
    "original": _("Original"),
    "gallery": _("Large (gallery)"),
    "card": _("Medium (card)"),
    "thumb": _("Small (thumb)"),
}
"""The sizes of a picture that a link can show."""

SAID: Mapping[str, LazyString] = {
    "saved": _("Saved."),
    "restored": _("File restored."),
    "revoked": _("All links to this file were revoked."),
}
"""Messages on the page of one upload, by the code in `?said=`."""

SELECTION_TEXTS: Mapping[str, LazyString] = {
    "one": _("{count} file selected"),
    "many": _("{count} files selected"),
    "none": _("No file selected"),
    "surely_one": _("Delete this file?"),
    "surely_many": _("Delete these {count} files?"),
    "more": _("and {count} more"),
    "theirs": _("Other people's files cannot be deleted."),
}
"""Texts of `js/lists/selection.js`."""

SHARING_TEXTS: Mapping[str, LazyString] = {
    "copied": _("Copied."),
    "good_until": _("Valid until {moment}."),
    "endless": _("The file is public, so the link does not expire."),
    "link_made": _("Link created. You can copy it."),
    "no_connection": _("No connection. Try again in a moment."),
}
"""Texts of `js/uploads/share.js`."""


def category_name(name: str) -> str:
    """Return the displayed name of a category."""
    return str(CATEGORIES.get(name, name))


def done_words(what: str, count: int) -> str:
    """Return the message for `count` files, "" for an unknown code."""
    said = {
        "removed": ngettext(
            "%(num)s file moved to the trash.", "%(num)s files moved to the trash.", count
        ),
        "restored": ngettext("%(num)s file restored.", "%(num)s files restored.", count),
        "added": ngettext("%(num)s file uploaded.", "%(num)s files uploaded.", count),
    }
    return said.get(what, "")


def why_nothing(code: str, most_zip_mb: int) -> str:
    """Return why nothing was done with the selected files, "" for an unknown code."""
    why = {
        NOTHING_CHECKED: gettext("Select files first."),
        ZipTooLarge.code: gettext(
            "That exceeds the limit for one ZIP (%(most)s MB). Select fewer at once.",
            most=most_zip_mb,
        ),
        UploadNotFound.code: gettext("One of these files no longer exists. Choose again."),
    }
    return why.get(code, "")


def kept_words(code: str, count: int) -> str:
    """Return why `count` files were not changed."""
    why = {
        UploadHeld.code: ngettext(
            "%(num)s file is locked and was kept.", "%(num)s files are locked and were kept.", count
        ),
        TooManyUploads.code: ngettext(
            "%(num)s file stays in the trash: its reference is full.",
            "%(num)s files stay in the trash: their references are full.",
            count,
        ),
        UploadNotFound.code: ngettext(
            "%(num)s file belongs to someone else or no longer exists, and was skipped.",
            "%(num)s files belong to someone else or no longer exist, and were skipped.",
            count,
        ),
    }
    return why.get(code) or gettext("Some changes could not be made.")

"""What the pages of general uploads say: names of things, what was done, what modules tell."""

from collections.abc import Mapping

from flask_babel import LazyString

from avenue.media.errors import ZipTooLarge
from avenue.media.signing.service import DAY_SECONDS
from avenue.uploads.errors import TooManyUploads, UploadHeld, UploadNotFound
from avenue.uploads.kinds import Kind
from avenue.web.language import gettext, ngettext
from avenue.web.language import lazy_gettext as _

CATEGORIES: Mapping[str, LazyString] = {
    "general": _("General"),
    "orders": _("Orders"),
    "deposit_proofs": _("Proofs of deposit"),
    "txid_proofs": _("Proofs of transaction"),
}
"""Those that are there from the beginning; others are called as the site calls them."""

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
"""How long a link may be wanted for, in seconds."""

SIZES: Mapping[str, LazyString] = {
    "original": _("Original"),
    "gallery": _("Large (gallery)"),
    "card": _("Medium (card)"),
    "thumb": _("Small (thumb)"),
}
"""In which size a link may show a picture."""

SAID: Mapping[str, LazyString] = {
    "saved": _("Saved."),
    "restored": _("File restored."),
    "revoked": _("All links to this file were revoked."),
}
"""What the page of one upload says, by the code behind `?said=`."""

SELECTION_TEXTS: Mapping[str, LazyString] = {
    "one": _("{count} file selected"),
    "many": _("{count} files selected"),
    "none": _("No file selected"),
    "surely_one": _("Delete this file?"),
    "surely_many": _("Delete these {count} files?"),
    "more": _("and {count} more"),
    "theirs": _("Other people's files cannot be deleted."),
}
"""What `js/lists/selection.js` says."""

SHARING_TEXTS: Mapping[str, LazyString] = {
    "copied": _("Copied."),
    "good_until": _("Valid until {moment}."),
    "endless": _("The file is public, so the link does not expire."),
    "link_made": _("Link created. You can copy it."),
    "no_connection": _("No connection. Try again in a moment."),
}
"""What `js/uploads/share.js` says."""


def category_name(name: str) -> str:
    """Return what people call a category."""
    return str(CATEGORIES.get(name, name))


def done_words(what: str, count: int) -> str:
    """Return what was done with `count` files, "" for what nothing is known of."""
    match what:
        case "removed":
            return ngettext(
                "%(num)s file moved to the trash.", "%(num)s files moved to the trash.", count
            )
        case "restored":
            return ngettext("%(num)s file restored.", "%(num)s files restored.", count)
        case "added":
            return ngettext("%(num)s file uploaded.", "%(num)s files uploaded.", count)
        case _:
            return ""


def why_nothing(code: str, most_zip_mb: int) -> str:
    """Return why nothing was done with what is checked, "" for what nothing is known of."""
    match code:
        case _ if code == NOTHING_CHECKED:
            return gettext("Select files first.")
        case ZipTooLarge.code:
            return gettext(
                "That exceeds the limit for one ZIP (%(most)s MB). Select fewer at once.",
                most=most_zip_mb,
            )
        case UploadNotFound.code:
            return gettext("One of these files no longer exists. Choose again.")
        case _:
            return ""


def kept_words(code: str, count: int) -> str:
    """Return why `count` files are as they were."""
    if code == UploadHeld.code:
        return ngettext(
            "%(num)s file is locked and was kept.", "%(num)s files are locked and were kept.", count
        )
    if code == TooManyUploads.code:
        return ngettext(
            "%(num)s file stays in the trash: its reference is full.",
            "%(num)s files stay in the trash: their references are full.",
            count,
        )
    if code == UploadNotFound.code:
        return ngettext(
            "%(num)s file belongs to someone else or no longer exists, and was skipped.",
            "%(num)s files belong to someone else or no longer exist, and were skipped.",
            count,
        )
    return gettext("Some changes could not be made.")

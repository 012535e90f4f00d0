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
    Kind.PICTURE: _("Photos and pictures"),
    Kind.PDF: _("PDF"),
    Kind.VIDEO: _("Video"),
    Kind.AUDIO: _("Sound"),
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
    "original": _("As it was uploaded"),
    "gallery": _("Large (gallery)"),
    "card": _("Medium (card)"),
    "thumb": _("Small (thumb)"),
}
"""In which size a link may show a picture."""

SAID: Mapping[str, LazyString] = {
    "saved": _("Saved."),
    "restored": _("The file is back."),
    "revoked": _("Every link to this file has ended."),
}
"""What the page of one upload says, by the code behind `?said=`."""

SELECTION_TEXTS: Mapping[str, LazyString] = {
    "one": _("{count} file selected"),
    "many": _("{count} files selected"),
    "none": _("No file selected"),
    "surely_one": _("Delete this file?"),
    "surely_many": _("Delete these {count} files?"),
    "more": _("and {count} more"),
    "theirs": _("Those of others cannot be deleted."),
}
"""What `js/lists/selection.js` says."""

SHARING_TEXTS: Mapping[str, LazyString] = {
    "copied": _("Copied."),
    "good_until": _("Good until {moment}."),
    "endless": _("The file is public, so the link does not end."),
    "link_made": _("The link is made. You can copy it."),
    "no_connection": _("There is no connection. Try again in a moment."),
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
                "%(num)s file is in the trash.", "%(num)s files are in the trash.", count
            )
        case "restored":
            return ngettext("%(num)s file is back.", "%(num)s files are back.", count)
        case "added":
            return ngettext("%(num)s file was uploaded.", "%(num)s files were uploaded.", count)
        case _:
            return ""


def why_nothing(code: str, most_zip_mb: int) -> str:
    """Return why nothing was done with what is checked, "" for what nothing is known of."""
    match code:
        case _ if code == NOTHING_CHECKED:
            return gettext("Check the files you mean first.")
        case ZipTooLarge.code:
            return gettext(
                "That is more than one ZIP may have (%(most)s MB). Take fewer at once.",
                most=most_zip_mb,
            )
        case UploadNotFound.code:
            return gettext("One of these files is no longer there. Choose again.")
        case _:
            return ""


def kept_words(code: str, count: int) -> str:
    """Return why `count` files are as they were."""
    if code == UploadHeld.code:
        return ngettext(
            "%(num)s file is on hold and stays.", "%(num)s files are on hold and stay.", count
        )
    if code == TooManyUploads.code:
        return ngettext(
            "%(num)s file stays in the trash: its reference has no room for it.",
            "%(num)s files stay in the trash: their references have no room for them.",
            count,
        )
    if code == UploadNotFound.code:
        return ngettext(
            "%(num)s file is somebody else's or gone, and was left alone.",
            "%(num)s files are somebody else's or gone, and were left alone.",
            count,
        )
    return gettext("Not all of it was possible.")

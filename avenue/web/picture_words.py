"""What the modules in `js/pictures/` say wherever pictures are brought in and worked on."""

from collections.abc import Mapping

from flask_babel import LazyString

from avenue.web.language import lazy_gettext as _
from avenue.web.language import ngettext

ARRIVING: Mapping[str, LazyString] = {
    # Ways in
    "choose": _("Choose photos"),
    "camera": _("Take a photo"),
    "folder": _("A whole folder"),
    "drop_here": _("Drop the photos anywhere"),
    "ways_mouse": _("Drop them anywhere on this page, or paste them with Ctrl+V."),
    "pasted": _("pasted"),
    "photographed": _("photo"),
    "folder_cut": _("Only the first {most} files of the folder were looked at."),
    # A row
    "progress_of": _("Upload of {name}"),
    "cancel": _("Cancel"),
    "retry": _("Try again"),
    "remove": _("Take off the list"),
    "sign_in": _("Sign in in another tab"),
    "made_smaller": _("{from}: we made it smaller, {to}"),
    "converted": _("It was {label}: we made it a photo of {to} that every browser shows"),
    "state_checking": _("Checking…"),
    "state_shrinking": _("Making it smaller…"),
    "state_waiting": _("Waiting for its turn"),
    "state_sending": _("Uploading: {percent} %"),
    "state_storing": _("Saving…"),
    "state_placing": _("Uploaded"),
    "state_cancelled": _("Cancelled: it was not uploaded."),
    "state_withdrawing": _("Cancelling…"),
    "was_there": _("This photo was here already, so it was not added twice."),
    "was_mended": _("The photo that was here was damaged. It is whole again."),
    "was_animated": _("It was an animation: only its first picture is kept."),
    "not_shown": _("It is saved. Reload the page to see it."),
    # Why a file rests for a while
    "pause_broken": _("The connection broke. We go on in {seconds} s; nothing is lost."),
    "pause_offline": _("There is no connection. We go on as soon as it is back."),
    "pause_busy": _("The server is busy. We go on in {seconds} s."),
    "pause_in_progress": _("The server is still saving it. We ask again in {seconds} s."),
    # Why a file stays, and what to do
    "why_broken": _("The connection broke several times."),
    "advice_broken": _(
        "We go on when the connection is back, or press “Try again”: it is not added twice."
    ),
    "why_busy": _("The server is too busy."),
    "advice_busy": _("Try again in a few minutes: it is not added twice."),
    "why_signed_out": _("Your session has ended."),
    "advice_signed_out": _("Sign in, come back to this page and press “Try again”."),
    "why_server": _("The server did not take it ({status})."),
    "why_no_room": _("There is no room: at most {limit} photos fit."),
    "advice_no_room": _("Remove one that you need less and press “Try again”."),
    "why_empty": _("The file is empty (0 bytes)."),
    "advice_empty": _(
        "Choose it again; if it is in the cloud or on the phone, let it download first."
    ),
    "why_unreadable": _("The file cannot be read."),
    "advice_unreadable": _("It may have been moved, or is a folder: choose it again."),
    "why_not_a_picture": _("It is not a photo."),
    "advice_not_a_picture": _("Choose a photo as JPEG, PNG or WebP."),
    "why_is_document": _("It is a PDF and not a photo."),
    "advice_is_document": _("Take a screenshot of the page and paste it here with Ctrl+V."),
    "why_is_heic": _("It is a HEIC photo, and this browser cannot open it."),
    "advice_is_heic": _(
        "Save it as JPEG and choose that one. On an iPhone: Settings › Camera › Formats › "
        "Most compatible."
    ),
    "why_is_drawing": _("It is a drawing (SVG), not a photo."),
    "advice_is_drawing": _("Save it as PNG and choose that one."),
    "why_is_other": _("It is of the type {label}, and this browser cannot open it."),
    "advice_is_other": _("Save it as JPEG, PNG or WebP and choose that one."),
    "why_too_large": _("It has {size}: that is too much to open here."),
    "advice_too_large": _("Make it smaller: at most {max} are taken."),
    "why_cannot_shrink": _(
        "It has {size}, at most {max} are taken, and it could not be made smaller."
    ),
    "advice_cannot_shrink": _(
        "It may be damaged: open it on your device, save it again and choose the new one."
    ),
    # All of them together
    "clear_refused": _("Clear the refused ones"),
    "cancel_all": _("Cancel all"),
    "progress_of_all": _("Upload of all files"),
}
"""Of the ways in and the files on their way; `{facts}` are put in by `text()`."""

SCREEN: Mapping[str, LazyString] = {
    "saving": _("Saving…"),
    "saved": _("Saved"),
    "notSaved": _("Not saved"),
    "noConnection": _("There is no connection."),
    "tryAgain": _("Try again in a moment."),
    "undo": _("Undo"),
    "close": _("Close"),
    "replacing": _("Replacing… {percent} %"),
    "replaced": _("The photo is replaced."),
    "copied": _("The address is copied."),
    "pointAt": _("{x} % from the left, {y} % from the top"),
    "focalSaved": _("The focal point is saved."),
    "focalAutomatic": _("The focal point is automatic again."),
}
"""Of saving, replacing and the focal point."""


def arriving_words() -> dict[str, str]:
    """Return those of `ARRIVING`; with a number, as `…_one` and `…_many`."""
    texts = {name: str(each) for name, each in ARRIVING.items()}
    for form, count in (("one", 1), ("many", 2)):
        texts |= {f"{name}_{form}": each for name, each in _counted(count).items()}
    return texts


def screen_words() -> dict[str, str]:
    """Return those of `SCREEN` in the language of the request."""
    return {name: str(each) for name, each in SCREEN.items()}


def _counted(count: int) -> dict[str, str]:
    return {
        "uploaded": ngettext("{count} uploaded", "{count} uploaded", count),
        "under_way": ngettext("{count} under way", "{count} under way", count),
        "interrupted": ngettext("{count} interrupted", "{count} interrupted", count),
        "refused": ngettext("{count} refused", "{count} refused", count),
    }

"""The texts of the modules in `js/pictures/`, for uploading and editing pictures."""

from collections.abc import Callable, Mapping

from flask_babel import LazyString

from avenue.web.language import lazy_gettext as _, ngettext

ARRIVING: Mapping[str, LazyString] = {
    # Ways to add files
    "choose": _("Choose photos"),
    "camera": _("Take a photo"),
    "folder": _("Choose folder"),
    "drop_here": _("Drop photos anywhere"),
    "ways_mouse": _("Drop them anywhere on this page, or paste them with Ctrl+V."),
    "pasted": _("pasted"),
    "photographed": _("photo"),
    "folder_cut": _("Only the first {most} files in the folder were checked."),
    # A row
    "progress_of": _("Upload of {name}"),
    "cancel": _("Cancel"),
    "retry": _("Try again"),
    "remove": _("Dismiss"),
    "sign_in": _("Sign in in another tab"),
    "made_smaller": _("Reduced from {from} to {to}"),
    "converted": _("Converted from {label} to a {to} photo that every browser can show"),
    "state_checking": _("Checking…"),
    "state_shrinking": _("Resizing…"),
    "state_waiting": _("Queued"),
    "state_sending": _("Uploading: {percent} %"),
    "state_storing": _("Saving…"),
    "state_placing": _("Uploaded"),
    "state_cancelled": _("Cancelled: it was not uploaded."),
    "state_withdrawing": _("Cancelling…"),
    "was_there": _("This photo is already here, so it was not added again."),
    "was_mended": _("The photo stored here was damaged. It is now repaired."),
    "was_animated": _("It was an animation: only the first frame was kept."),
    "not_shown": _("Saved. Reload the page to see it."),
    # Why a file is waiting
    "pause_broken": _("Connection lost. Resuming in {seconds} s; nothing is lost."),
    "pause_offline": _("No connection. It resumes as soon as it is back."),
    "pause_busy": _("The server is busy. Resuming in {seconds} s."),
    "pause_in_progress": _("The server is still saving it. Checking again in {seconds} s."),
    # Why a file was refused, and what to do
    "why_broken": _("The connection was lost several times."),
    "advice_broken": _(
        "It resumes when the connection is back, or press “Try again”. It will not be added twice."
    ),
    "why_busy": _("The server is too busy."),
    "advice_busy": _("Try again in a few minutes. It will not be added twice."),
    "why_signed_out": _("Your session has ended."),
    "advice_signed_out": _("Sign in, come back to this page and press “Try again”."),
    "why_server": _("The server rejected it ({status})."),
    "why_no_room": _("You've reached the {limit}-photo limit."),
    "advice_no_room": _("Remove one and press “Try again”."),
    "why_empty": _("The file is empty (0 bytes)."),
    "advice_empty": _(
        "Choose it again; if it is in the cloud or on the phone, let it download first."
    ),
    "why_unreadable": _("The file cannot be read."),
    "advice_unreadable": _("It may have been moved, or it is a folder. Choose it again."),
    "why_not_a_picture": _("This is not a photo."),
    "advice_not_a_picture": _("Choose a JPEG, PNG or WebP photo."),
    "why_is_document": _("This is a PDF, not a photo."),
    "advice_is_document": _("Take a screenshot of the page and paste it here with Ctrl+V."),
    "why_is_heic": _("This is a HEIC photo, which this browser cannot open."),
    "advice_is_heic": _(
        "Save it as JPEG and choose that one. On an iPhone: Settings › Camera › Formats › "
        "Most compatible."
    ),
    "why_is_drawing": _("This is a drawing (SVG), not a photo."),
    "advice_is_drawing": _("Save it as PNG and choose that one."),
    "why_is_other": _("Its type is {label}, which this browser cannot open."),
    "advice_is_other": _("Save it as JPEG, PNG or WebP and choose that one."),
    "why_too_large": _("It is {size}: too large to open here."),
    "advice_too_large": _("Make it smaller: the maximum is {max}."),
    "why_cannot_shrink": _("It is {size}; the maximum is {max}, and it could not be made smaller."),
    "advice_cannot_shrink": _(
        "It may be damaged: open it on your device, save it again and choose the new one."
    ),
    # All of them together
    "clear_refused": _("Clear rejected"),
    "cancel_all": _("Cancel all"),
    "progress_of_all": _("Upload of all files"),
}
"""For adding and uploading files; `{facts}` are filled in by `text()`."""

SCREEN: Mapping[str, LazyString] = {
    "saving": _("Saving…"),
    "saved": _("Saved"),
    "notSaved": _("Not saved"),
    "noConnection": _("No connection."),
    "tryAgain": _("Try again in a moment."),
    "undo": _("Undo"),
    "close": _("Close"),
    "replacing": _("Replacing… {percent} %"),
    "replaced": _("Photo replaced."),
    "copied": _("Address copied."),
    "pointAt": _("{x} % from the left, {y} % from the top"),
    "focalSaved": _("Focal point saved."),
    "focalAutomatic": _("The focal point is automatic again."),
}
"""For saving, replacing and the focal point."""


def in_both_forms(counted: Callable[[int], Mapping[str, str]]) -> dict[str, str]:
    """Return the texts of `counted`, which depend on a number, as `…_one` and `…_many`."""
    forms = (("one", 1), ("many", 2))
    return {f"{name}_{form}": each for form, n in forms for name, each in counted(n).items()}


def arriving_words() -> dict[str, str]:
    """Return the texts of `ARRIVING`; plural forms as `…_one` and `…_many`."""
    return {name: str(each) for name, each in ARRIVING.items()} | in_both_forms(_counted)


def screen_words() -> dict[str, str]:
    """Return the texts of `SCREEN` in the language of the request."""
    return {name: str(each) for name, each in SCREEN.items()}


def _counted(count: int) -> dict[str, str]:
    return {
        "uploaded": ngettext("{count} uploaded", "{count} uploaded", count),
        "under_way": ngettext("{count} uploading", "{count} uploading", count),
        "interrupted": ngettext("{count} interrupted", "{count} interrupted", count),
        "refused": ngettext("{count} rejected", "{count} rejected", count),
    }

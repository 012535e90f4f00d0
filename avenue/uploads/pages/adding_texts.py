"""What the modules say that bring files in (`js/uploads/uploader.js`)."""

from collections.abc import Mapping

from flask_babel import LazyString

from avenue.web.language import lazy_gettext as _
from avenue.web.language import ngettext

TEXTS: Mapping[str, LazyString] = {
    # Ways in
    "choose": _("Choose files"),
    "camera": _("Take a photo"),
    "folder": _("A whole folder"),
    "drop_here": _("Drop the files anywhere"),
    "ways_mouse": _("Drop files anywhere on this page, or paste them with Ctrl+V."),
    "pasted": _("pasted"),
    "photographed": _("photo"),
    "folder_cut": _("Only the first {most} files of the folder were looked at."),
    "limits": _("{types}, up to {size} each. What breaks off goes on where it was."),
    # A row
    "progress_of": _("Upload of {name}"),
    "pause": _("Pause"),
    "resume": _("Go on"),
    "cancel": _("Cancel"),
    "retry": _("Try again"),
    "remove": _("Take off the list"),
    "open": _("Open"),
    "choose_again": _("Choose this file again"),
    "state_waiting": _("Waiting for its turn"),
    "state_sending": _("{percent} %, {sent} of {size}"),
    "state_finishing": _("All of it was sent. It is being looked at…"),
    "state_retrying": _("The connection broke at {percent} %. We try again."),
    "state_paused": _("Paused at {percent} %"),
    "state_stored": _("It is here now."),
    "state_broken": _("The connection broke at {percent} %."),
    "state_signed_out": _("Your session has ended. Sign in again in another tab, then go on here."),
    "state_refused": _("It was not taken."),
    "state_left": _("It broke off at {percent} %. Choose the same file again: it goes on there."),
    "other_file": _("That is another file. Choose {name} again."),
    "too_large": _("It has {size}, and at most {most} are taken here."),
    "wrong_type": _("Only {types} are taken here."),
    "empty": _("The file is empty (0 bytes)."),
}
"""`{facts}` are put in by `text()`."""


def adding_texts() -> dict[str, str]:
    """Return them in the language of the request; those with a number as `…_one` and `…_many`."""
    texts = {name: str(each) for name, each in TEXTS.items()}
    for form, count in (("one", 1), ("many", 2)):
        texts |= {f"{name}_{form}": each for name, each in _counted(count).items()}
    return texts


def _counted(count: int) -> dict[str, str]:
    return {
        "uploaded": ngettext("{count} done", "{count} done", count),
        "under_way": ngettext("{count} under way", "{count} under way", count),
        "interrupted": ngettext("{count} broken off", "{count} broken off", count),
        "refused": ngettext("{count} not taken", "{count} not taken", count),
    }

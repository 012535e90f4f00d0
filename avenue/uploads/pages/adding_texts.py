"""Texts of the upload modules (`js/uploads/uploader.js`)."""

from collections.abc import Mapping

from flask_babel import LazyString

from avenue.web.language import lazy_gettext as _, ngettext
from avenue.web.picture_words import in_both_forms

TEXTS: Mapping[str, LazyString] = {
    # Choosing files
    "choose": _("Choose files"),
    "camera": _("Take a photo"),
    "folder": _("Choose folder"),
    "drop_here": _("Drop the files anywhere"),
    "ways_mouse": _("Drop files anywhere on this page, or paste them with Ctrl+V."),
    "pasted": _("pasted"),
    "photographed": _("photo"),
    "folder_cut": _("Only the first {most} files in the folder were checked."),
    "limits": _("{types}, up to {size} each. Interrupted uploads resume where they stopped."),
    # A row
    "progress_of": _("Upload of {name}"),
    "pause": _("Pause"),
    "resume": _("Resume"),
    "cancel": _("Cancel"),
    "retry": _("Try again"),
    "remove": _("Dismiss"),
    "open": _("Open"),
    "choose_again": _("Choose this file again"),
    "state_waiting": _("Queued"),
    "state_sending": _("{percent} %, {sent} of {size}"),
    "state_finishing": _("Processing…"),
    "state_retrying": _("The connection was lost at {percent} %. Retrying…"),
    "state_paused": _("Paused at {percent} %"),
    "state_stored": _("Uploaded."),
    "state_broken": _("The connection was lost at {percent} %."),
    "state_signed_out": _(
        "Your session has ended. Sign in again in another tab, then continue here."
    ),
    "state_refused": _("It was rejected."),
    "state_left": _("Interrupted at {percent} %. Choose the same file again to resume."),
    "other_file": _("That is a different file. Choose {name} again."),
    "too_large": _("It is {size}; the limit here is {most}."),
    "wrong_type": _("Only {types} are accepted here."),
    "empty": _("The file is empty (0 bytes)."),
}
"""Texts; `text()` fills in `{facts}`."""


def adding_texts() -> dict[str, str]:
    """Return the texts in the language of the request.

    Those with a number as `…_one` and `…_many`.
    """
    return {name: str(each) for name, each in TEXTS.items()} | in_both_forms(_counted)


def _counted(count: int) -> dict[str, str]:
    return {
        "uploaded": ngettext("{count} done", "{count} done", count),
        "under_way": ngettext("{count} uploading", "{count} uploading", count),
        "interrupted": ngettext("{count} stopped", "{count} stopped", count),
        "refused": ngettext("{count} failed", "{count} failed", count),
    }

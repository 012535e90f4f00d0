"""Texts of the library's pages and modules."""

from collections.abc import Mapping

from flask_babel import LazyString

from avenue.builder.library.errors import MediaNotFound, TooManyTags
from avenue.builder.library.folders.errors import FolderNotFound
from avenue.builder.library.models import MOST_TAGS, Sort
from avenue.errors import Forbidden
from avenue.media.errors import ZipTooLarge
from avenue.web.language import lazy_gettext as _, ngettext
from avenue.web.picture_words import arriving_words, screen_words

NOTHING_CHECKED = "nothing_checked"
NO_TAGS = "no_tags"
BAD_TAGS = "bad_tags"
KB, MB = 1024, 1024 * 1024

SORTS: Mapping[Sort, LazyString] = {
    Sort.NEWEST: _("Newest first"),
    Sort.OLDEST: _("Oldest first"),
    Sort.NAME: _("Name, A to Z"),
    Sort.NAME_BACKWARDS: _("Name, Z to A"),
    Sort.LARGEST: _("Largest first"),
    Sort.SMALLEST: _("Smallest first"),
}
SIZES: Mapping[str, tuple[LazyString, int | None, int | None]] = {
    "small": (_("Up to 200 kB"), None, 200 * KB),
    "medium": (_("200 kB to 1 MB"), 200 * KB + 1, MB),
    "large": (_("More than 1 MB"), MB + 1, None),
}
"""The choices of the size filter: its name, the minimum and the maximum bytes."""

SAID: Mapping[str, LazyString] = {
    "saved": _("Saved."),
    "focal": _("Focal point saved."),
    "replaced": _("Image replaced everywhere it is used."),
    "same": _("This is the same file, so nothing was replaced."),
    "restored": _("Image restored."),
    "version": _("The older version is current again."),
}
"""Messages on the page of one picture, by the code in `?said=`."""

FOLDER_SAID: Mapping[str, LazyString] = {
    "made": _("Folder created."),
    "renamed": _("Folder updated."),
    "deleted": _("Folder deleted."),
}
"""Messages about folders in the list, by the code in `?said=`."""

CUT_NAMES: Mapping[str, LazyString] = {
    "thumb": _("Small (thumb)"),
    "card": _("In lists (card)"),
    "gallery": _("In the gallery"),
    "og": _("When shared (og)"),
}

LIST_TEXTS: Mapping[str, LazyString] = {
    "choose": _("Choose images"),
    "drop_here": _("Drop images anywhere"),
    "one": _("{count} image selected"),
    "many": _("{count} images selected"),
    "none": _("No image selected"),
    "surely_one": _("Delete this image?"),
    "surely_many": _("Delete these {count} images?"),
    "more": _("and {count} more"),
    "duplicate": _("This image already exists."),
    "duplicate_used": _("The new image was moved to the trash; the existing one is kept."),
    "use_there": _("Use the existing one"),
    "keep_both": _("Keep both"),
    "open_there": _("View image"),
    "moved_one": _("{count} image moved to “{name}”."),
    "moved_many": _("{count} images moved to “{name}”."),
    "restored_version": SAID["version"],
}
"""Texts of the list's modules."""

EDITING_TEXTS: Mapping[str, LazyString] = {
    "cannot_edit": _("This browser cannot open the image."),
}
"""Texts of the dialog for rotating and cropping."""

MEDIA_TEXTS: Mapping[str, LazyString] = {
    "choose": _("Choose another file"),
    "drop_here": _("Drop the file anywhere"),
    "ways_mouse": _("Drop it anywhere on this page, or paste it with Ctrl+V."),
    "copied": _("Copied."),
}
"""Texts of the modules on the page of one picture."""


def list_texts() -> dict[str, str]:
    """Return the texts of the modules of the list."""
    return _said(LIST_TEXTS, EDITING_TEXTS)


def media_texts() -> dict[str, str]:
    """Return the texts of the modules of the page of one picture."""
    return _said(MEDIA_TEXTS, EDITING_TEXTS)


def _said(*own: Mapping[str, LazyString]) -> dict[str, str]:
    """Return the texts of uploading and of saving, overridden by a page's `own`."""
    mine = {name: str(each) for texts in own for name, each in texts.items()}
    return arriving_words() | screen_words() | mine


WHY_NOTHING: Mapping[str, LazyString] = {
    NOTHING_CHECKED: _("Select at least one image."),
    NO_TAGS: _("Enter at least one tag. Separate tags with commas."),
    BAD_TAGS: _("A tag has 1 to 50 printable characters and no comma."),
    MediaNotFound.code: _("One of these images no longer exists. Choose again."),
    FolderNotFound.code: _("That folder no longer exists. Choose another one."),
    Forbidden.code: _("Only an administrator can remove the site logo. Ask one."),
    TooManyTags.code: _("An image can have at most {tags} tags. Remove some first."),
    ZipTooLarge.code: _("That exceeds the limit of a ZIP ({zip_mb} MB). Select fewer at once."),
}


def done_words(what: str, count: int) -> str:
    """Return the message for `count` pictures, "" for an unknown code."""
    said = {
        "added": ngettext("%(num)s image uploaded.", "%(num)s images uploaded.", count),
        "moved": ngettext("%(num)s image moved.", "%(num)s images moved.", count),
        "tagged": ngettext("%(num)s image tagged.", "%(num)s images tagged.", count),
        "untagged": ngettext(
            "Tags removed from %(num)s image.",
            "Tags removed from %(num)s images.",
            count,
        ),
        "removed": ngettext(
            "%(num)s image moved to the trash.", "%(num)s images moved to the trash.", count
        ),
        "restored": ngettext("%(num)s image restored.", "%(num)s images restored.", count),
    }
    return said.get(what, "")


def why_nothing(code: str, *, zip_mb: int) -> str:
    """Return why nothing was done, "" for an unknown code."""
    if code not in WHY_NOTHING:
        return ""
    return str(WHY_NOTHING[code]).format(tags=MOST_TAGS, zip_mb=zip_mb)

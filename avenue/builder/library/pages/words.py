"""What the pages of the library say: names of things, what was done, what modules tell."""

from collections.abc import Mapping

from flask_babel import LazyString

from avenue.builder.library.errors import MediaNotFound, TooManyTags
from avenue.builder.library.folders.errors import FolderNotFound
from avenue.builder.library.models import Sort
from avenue.builder.library.store import MOST_TAGS
from avenue.errors import Forbidden
from avenue.media.errors import ZipTooLarge
from avenue.web.language import lazy_gettext as _
from avenue.web.language import ngettext
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
"""What can be asked for by size: its name, the least and the most bytes."""

SAID: Mapping[str, LazyString] = {
    "saved": _("Saved."),
    "focal": _("Focal point saved."),
    "replaced": _("Image replaced everywhere it is used."),
    "same": _("This is the same file, so nothing was replaced."),
    "restored": _("Image restored."),
    "version": _("The older version is current again."),
}
"""What the page of one picture says, by the code behind `?said=`."""

FOLDER_SAID: Mapping[str, LazyString] = {
    "made": _("Folder created."),
    "renamed": _("Folder updated."),
    "deleted": _("Folder deleted."),
}
"""What the list says of folders, by the code behind `?said=`."""

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
"""What the modules of the list say."""

EDITING_TEXTS: Mapping[str, LazyString] = {
    "cannot_edit": _("This browser cannot open the image."),
}
"""What the dialog that turns and crops says."""

MEDIA_TEXTS: Mapping[str, LazyString] = {
    "choose": _("Choose another file"),
    "drop_here": _("Drop the file anywhere"),
    "ways_mouse": _("Drop it anywhere on this page, or paste it with Ctrl+V."),
    "copied": _("Copied."),
}
"""What the modules of the page of one picture say."""


def list_texts() -> dict[str, str]:
    """Return the texts of the modules of the list."""
    return _said(LIST_TEXTS, EDITING_TEXTS)


def media_texts() -> dict[str, str]:
    """Return the texts of the modules of the page of one picture."""
    return _said(MEDIA_TEXTS, EDITING_TEXTS)


def _said(*own: Mapping[str, LazyString]) -> dict[str, str]:
    """Return the texts of bringing in and of saving, with a page's `own` over them."""
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
    """Return what was done with `count` pictures, "" for what nothing is known of."""
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
    """Return why nothing was done, "" for what nothing is known of."""
    if code not in WHY_NOTHING:
        return ""
    return str(WHY_NOTHING[code]).format(tags=MOST_TAGS, zip_mb=zip_mb)

"""Additional texts of `js/pictures/uploading.js` for products."""

from collections.abc import Mapping

from flask_babel import LazyString

from avenue.web.language import lazy_gettext as _, ngettext
from avenue.web.picture_words import arriving_words, in_both_forms

UPLOAD_TEXTS: Mapping[str, LazyString] = {
    # Leaving and saving
    "save_waits": _("We'll save as soon as the photos are uploaded."),
    "save_stopped": _("Some photos were not uploaded, so nothing is saved yet: check the list."),
    # A product that is not saved yet
    "room_none": _("Limit reached: {limit}"),
    "earlier_use": _("Use them"),
    "earlier_delete": _("Delete them"),
    "earlier_used": _("Photos selected for this product."),
    "earlier_deleted": _("Photos deleted."),
}
"""`{facts}` are filled in by `text()`."""


def upload_texts() -> dict[str, str]:
    """Return the texts in the language of the request; plural forms as `…_one` and `…_many`."""
    texts = {name: str(each) for name, each in UPLOAD_TEXTS.items()}
    return arriving_words() | texts | in_both_forms(_counted)


def _counted(count: int) -> dict[str, str]:
    return {
        "room": ngettext("{left} of {limit} left", "{left} of {limit} left", count),
        "earlier": ngettext(
            "You have {count} unsaved photo from an earlier visit.",
            "You have {count} unsaved photos from an earlier visit.",
            count,
        ),
    }

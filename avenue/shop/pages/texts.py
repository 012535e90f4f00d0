"""Texts of the pages of a product and its pictures: fields, messages, and those of modules."""

from collections.abc import Mapping

from flask_babel import LazyString

from avenue.shop.models import Status
from avenue.shop.pages.upload_texts import upload_texts
from avenue.web.language import lazy_gettext as _
from avenue.web.picture_words import screen_words

STATUSES: Mapping[str, LazyString] = {
    Status.DRAFT: _("Draft (hidden from the store)"),
    Status.PUBLISHED: _("Published (visible in the store)"),
}
LABELS: Mapping[str, LazyString] = {
    "name": _("Name"),
    "sku": _("SKU"),
    "description": _("Description"),
    "price": _("Price"),
    "currency": _("Currency"),
    "status": _("Status"),
    "group": _("Group"),
    "category": _("Category"),
    "attributes": _("Attributes"),
}
"""The fields of a product."""

SAID: Mapping[str, LazyString] = {
    "created": _("Product saved."),
    "duplicated": _("This is the copy, a draft. It has no photos and no SKU yet."),
    "saved": _("Saved."),
    "added": _("Photos saved."),
    "mended": _("The photo stored here was damaged. It is now repaired."),
    "ordered": _("Order saved."),
    "described": _("Text saved."),
    "focal": _("Focal point saved."),
    "replaced": _("Photo replaced."),
    "version": _("The previous photo is shown again."),
    "removed": _("Photo moved to the trash."),
    "forgotten": _("Photo removed."),
    "restored": _("Photo restored."),
}
"""By the code in `?said=`."""

REFUSED: Mapping[str, LazyString] = {
    "no_file": _("No file was chosen."),
    "file_too_large": _("It is larger than %(size)s: make it smaller and try again."),
    "unsupported_media_type": _("Only photos in %(types)s are accepted."),
    "broken_image": _("The photo is damaged: save it again, or choose another one."),
    "image_too_large": _("The photo has too many pixels: make it smaller and try again."),
    "image_too_costly": _("The photo is too complex to open: save it again and try once more."),
    "too_many_frames": _("It is a long animation: choose a still photo."),
    "too_many_images": _("The limit is %(limit)s photos. Remove one first."),
    "too_many_temp_images": _("Too many photos are waiting for a product: remove some of them."),
    "one_file_only": _("Choose exactly one file to replace a photo."),
    "image_not_found": _("This photo is no longer here."),
    "version_not_found": _("This previous photo is no longer kept."),
    "temp_image_not_found": _("This photo is no longer here."),
    "revision_conflict": _(
        "Someone else changed the photos. This is how they are now; apply your order again "
        "if it is still right."
    ),
    "order_mismatch": _(
        "Someone else changed the photos. This is how they are now; apply your order again "
        "if it is still right."
    ),
    "bad_alt": _("The text is too long: at most %(characters)s characters."),
    "bad_focal": _("The focal point needs two numbers from 0 to 100."),
    "decoders_busy": _("Too many photos are being processed right now: try again in a moment."),
    "quota_exceeded": _("The store has no space left for photos: remove some, or ask for more."),
    "user_quota_exceeded": _(
        "You have no space left for files: remove some, or ask an administrator for more."
    ),
    "storage_full": _("There is no space left for photos: contact the server administrator."),
}
"""By the code in `?refused=`; facts are those of the editor."""

REFUSED_OTHERWISE = _("This could not be saved. Try again.")

PICTURE_TEXTS: Mapping[str, LazyString] = {
    "moved": _("Moved to position {position} of {count}."),
    "library_found": _("{count} images"),
    "library_lost": _("The image “{name}” could not be read. Try again."),
    "photoAt": _("Photo {at} of {count}: {name}"),
    "orderConflict": _("Someone else reordered the photos. Showing their order."),
    "orderAgain": _("Use my order"),
    "orderAgainDone": _("The photos are in your order again."),
    "removed": _("Photo {name} removed."),
    "restored": _("Photo {name} restored."),
    "versionShown": _("The previous photo is shown again."),
    "tooLarge": _("It is {size}; the limit is {most}. Make it smaller and try again."),
    "wrongType": _("This file type is not accepted. Choose a photo in {types}."),
}
"""The texts of the modules; `{facts}` are filled in by `text()`."""

CUT_NAMES: Mapping[str, LazyString] = {
    "thumb": _("Small (thumb)"),
    "card": _("In lists (card)"),
    "gallery": _("In the gallery"),
    "og": _("When shared (og)"),
}
"""The purposes of the variants in the focal point preview."""


def picture_texts() -> dict[str, str]:
    """Return the texts of the modules of the picture editor in the language of the request."""
    own = {name: str(each) for name, each in PICTURE_TEXTS.items()}
    return own | screen_words() | upload_texts()

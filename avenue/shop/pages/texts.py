"""What the pages of a product and its pictures say: fields, what forms did, what modules tell."""

from collections.abc import Mapping

from flask_babel import LazyString

from avenue.shop.models import Status
from avenue.shop.pages.upload_texts import upload_texts
from avenue.web.language import lazy_gettext as _
from avenue.web.picture_words import screen_words

STATUSES: Mapping[str, LazyString] = {
    Status.DRAFT: _("Draft: not in the shop window yet"),
    Status.PUBLISHED: _("Published: in the shop window"),
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
    "created": _("The product is saved."),
    "duplicated": _("This is the copy, a draft. It has no photos and no SKU yet."),
    "saved": _("Saved."),
    "added": _("The photos are saved."),
    "mended": _("The photo that was here was damaged. It is whole again."),
    "ordered": _("The order is saved."),
    "described": _("The text is saved."),
    "focal": _("The focal point is saved."),
    "replaced": _("The photo is replaced."),
    "version": _("The earlier photo is shown again."),
    "removed": _("The photo is in the trash."),
    "forgotten": _("The photo is removed."),
    "restored": _("The photo is back."),
}
"""By the code behind `?said=`."""

REFUSED: Mapping[str, LazyString] = {
    "no_file": _("No file was chosen."),
    "file_too_large": _("It is larger than %(size)s: make it smaller and try again."),
    "unsupported_media_type": _("Only photos as %(types)s are taken."),
    "broken_image": _("The photo is damaged: save it again, or choose another one."),
    "image_too_large": _("The photo has too many pixels: make it smaller and try again."),
    "image_too_costly": _("The photo is too hard to read: save it again and try once more."),
    "too_many_frames": _("It is a long animation: choose a still photo."),
    "too_many_images": _("At most %(limit)s photos fit here: remove one first."),
    "too_many_temp_images": _("Too many photos wait for a product: remove some of them."),
    "one_file_only": _("A photo is replaced by exactly one file."),
    "image_not_found": _("This photo is not here any more."),
    "version_not_found": _("This earlier photo is not kept any more."),
    "temp_image_not_found": _("This photo is not here any more."),
    "revision_conflict": _(
        "Somebody else changed the photos in the meantime. You see how they are now; "
        "put your order again if it is still right."
    ),
    "order_mismatch": _(
        "Somebody else changed the photos in the meantime. You see how they are now; "
        "put your order again if it is still right."
    ),
    "bad_alt": _("The text is too long: at most %(characters)s characters."),
    "bad_focal": _("The focal point needs two numbers from 0 to 100."),
    "decoders_busy": _("Too many photos are being read just now: try again in a moment."),
    "quota_exceeded": _("The shop has no room left for photos: remove some, or ask for more."),
    "user_quota_exceeded": _(
        "You have no room left for files: remove some, or ask an administrator for more."
    ),
    "storage_full": _("There is no room left for photos: tell whoever runs the site."),
}
"""By the code behind `?refused=`; facts are those of the screen."""

REFUSED_OTHERWISE = _("This was not taken. Try again.")

PICTURE_TEXTS: Mapping[str, LazyString] = {
    "moved": _("Moved to position {position} of {count}."),
    "library_found": _("{count} pictures"),
    "library_lost": _("The picture “{name}” could not be read. Try again."),
    "photoAt": _("Photo {at} of {count}: {name}"),
    "orderConflict": _(
        "Somebody else has put the photos into another order in the meantime. You see theirs now."
    ),
    "orderAgain": _("Put my order again"),
    "orderAgainDone": _("The photos are in your order again."),
    "removed": _("The photo {name} is removed."),
    "restored": _("The photo {name} is back."),
    "versionShown": _("The earlier photo is shown again."),
    "tooLarge": _("It has {size}, and at most {most} are taken. Make it smaller and try again."),
    "wrongType": _("This kind of file is not taken. Choose a photo as {types}."),
}
"""What the modules say; `{facts}` are put in by `text()`."""

CUT_NAMES: Mapping[str, LazyString] = {
    "thumb": _("Small (thumb)"),
    "card": _("In lists (card)"),
    "gallery": _("In the gallery"),
    "og": _("When shared (og)"),
}
"""What the variants are for that a focal point is shown in."""


def picture_texts() -> dict[str, str]:
    """Return the texts of the modules of the picture screen in the language of the request."""
    own = {name: str(each) for name, each in PICTURE_TEXTS.items()}
    return own | screen_words() | upload_texts()

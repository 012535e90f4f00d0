"""Errors of products, groups and their pictures."""

from typing import ClassVar

from avenue.errors import AvenueError, Conflict, Invalid, NotFound, Unprocessable


class ProductNotFound(NotFound):
    """The product does not exist, or you may not see it."""

    message = "There is no such product."


class GroupNotFound(NotFound):
    """The group does not exist, or you may not see it."""

    message = "There is no such group."
    hint = "Reload the list of groups, or omit `group`."


class TooManyCategories(Conflict):
    """The site has the maximum number of different categories."""

    code = "too_many_product_categories"
    message = "A site's products can be in up to {limit} different categories."
    hint = "Use an existing one."

    def __init__(self, *, limit: int, field: str | None = None) -> None:
        if field is None:
            super().__init__(limit=limit)
        else:
            super().__init__(limit=limit, field=field)


class ImageNotFound(NotFound):
    """The product or group has no such picture."""

    message = "There is no such photo here."
    hint = "Reload the product or group; the photo may have been removed."


class TempImageNotFound(NotFound):
    """The temporary picture does not exist (any more), or is not yours."""

    message = "There is no such temporary photo."
    hint = "It may have expired, or a product already has it."


class TempImageExpired(Conflict):
    """A temporary picture for the product no longer exists; nothing was saved."""

    message = "A temporary photo has expired or is already in use, so nothing was saved."
    hint = "Upload the photos named in `images` again, then save again."


class TooManyTempImages(Conflict):
    """The person has the maximum number of temporary pictures."""

    message = "You can have up to {limit} temporary photos."
    hint = "Save the product they are for, or delete some of them."


class OwnUrl(Unprocessable):
    """The URL of an external picture is an address of this site."""

    message = "This URL is a photo already stored here, which has one owner."
    hint = "Upload the file itself to create a separate photo."


class SkuTaken(Conflict):
    """Another product of the site has the SKU."""

    message = "Another product already has the SKU {sku}."
    hint = "Use another SKU, or change that product."


class TooManyImages(Conflict):
    """The product or group has the maximum number of pictures."""

    message = "The limit is {limit} photos."
    hint = "Remove a photo first."


class OneFileOnly(Invalid):
    """Several files were sent where one is allowed."""

    message = "A photo can only be replaced by one file."
    hint = "Send exactly one file."


class RevisionConflict(Conflict):
    """Someone changed the product in the meantime; `current` is its current state."""

    message = "Someone else changed this in the meantime."
    hint = "Check `current`, then send your change again with its revision."

    def __init__(self, current: object = None) -> None:
        super().__init__(current=current)


class RevisionRequired(AvenueError):
    """The change lacks the revision it is based on (RFC 6585, section 3)."""

    status: ClassVar[int] = 428
    message = "Specify which revision your change is based on."
    hint = "Send `revision` as you read it."


class OrderMismatch(Conflict):
    """The order does not list exactly the current pictures."""

    message = "The order must list each photo exactly once."
    hint = "Reload it and send all photo ids (the URL for external ones) in the new order."


class SamplesBusy(Conflict):
    """The sample products are being loaded, so they cannot be removed yet."""

    message = "The sample products are still loading."
    hint = "Wait until they have loaded, then remove them."

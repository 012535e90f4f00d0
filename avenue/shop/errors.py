"""What can go wrong in a shop."""

from typing import ClassVar

from avenue.errors import AvenueError, Conflict, Invalid, NotFound, Unprocessable


class ProductNotFound(NotFound):
    """The product is not there, or not yours."""

    code = "product_not_found"
    message = "There is no such product."


class GroupNotFound(NotFound):
    """The group is not there, or not yours."""

    code = "group_not_found"
    message = "There is no such group."
    hint = "Reload the list of groups, or omit `group`."


class TooManyCategories(Conflict):
    """A site has all the different categories its products may be in."""

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

    code = "image_not_found"
    message = "There is no such photo here."
    hint = "Reload the product or group; the photo may have been removed."


class TempImageNotFound(NotFound):
    """The temporary picture is not there (any more), or not yours."""

    code = "temp_image_not_found"
    message = "There is no such temporary photo."
    hint = "It may have expired, or a product already has it."


class TempImageExpired(Conflict):
    """A temporary picture a product was to get is not there any more; nothing was saved."""

    code = "temp_image_expired"
    message = "A temporary photo has expired or is already in use, so nothing was saved."
    hint = "Upload the photos named in `images` again, then save again."


class TooManyTempImages(Conflict):
    """Somebody has all the temporary pictures one person may have."""

    code = "too_many_temp_images"
    message = "You can have up to {limit} temporary photos."
    hint = "Save the product they are for, or delete some of them."

    def __init__(self, *, limit: int) -> None:
        super().__init__(limit=limit)


class OwnUrl(Unprocessable):
    """An external picture was given by an address of our own."""

    code = "own_url"
    message = "This URL is a photo already stored here, which has one owner."
    hint = "Upload the file itself to create a separate photo."


class SkuTaken(Conflict):
    """Another product of the site has the SKU."""

    code = "sku_taken"
    message = "Another product already has the SKU {sku}."
    hint = "Use another SKU, or change that product."

    def __init__(self, sku: str, *, hint: str | None = None) -> None:
        super().__init__(hint=hint, sku=sku)


class TooManyImages(Conflict):
    """The product or group has all the pictures it may have."""

    code = "too_many_images"
    message = "The limit is {limit} photos."
    hint = "Remove a photo first."

    def __init__(self, *, limit: int) -> None:
        super().__init__(limit=limit)


class OneFileOnly(Invalid):
    """Several files came where one is taken."""

    code = "one_file_only"
    message = "A photo can only be replaced by one file."
    hint = "Send exactly one file."


class RevisionConflict(Conflict):
    """Somebody changed the product in the meantime; `current` is how it is now."""

    code = "revision_conflict"
    message = "Someone else changed this in the meantime."
    hint = "Check `current`, then send your change again with its revision."

    def __init__(self, current: object = None) -> None:
        super().__init__(current=current)


class RevisionRequired(AvenueError):
    """The change says not which state it was made from (RFC 6585, section 3)."""

    status: ClassVar[int] = 428
    code = "revision_required"
    message = "Specify which revision your change is based on."
    hint = "Send `revision` as you read it."


class OrderMismatch(Conflict):
    """The order does not name exactly the pictures that are there."""

    code = "order_mismatch"
    message = "The order must list each photo exactly once."
    hint = "Reload it and send all photo ids (the URL for external ones) in the new order."


class SamplesBusy(Conflict):
    """The sample products are being loaded, so they cannot be removed yet."""

    code = "samples_busy"
    message = "The sample products are still loading."
    hint = "Wait until they have loaded, then remove them."

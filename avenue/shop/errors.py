"""What can go wrong in a shop."""

from typing import ClassVar

from avenue.errors import AvenueError, Conflict, Invalid, NotFound


class ProductNotFound(NotFound):
    """The product is not there, or not yours."""

    code = "product_not_found"
    message = "There is no such product."


class ImageNotFound(NotFound):
    """The product has no such picture."""

    code = "image_not_found"
    message = "The product has no such picture."
    hint = "Read the product again; the picture may have been removed."


class SkuTaken(Conflict):
    """Another product of the site has the SKU."""

    code = "sku_taken"
    hint = "Use another SKU, or change that product."

    def __init__(self, sku: str) -> None:
        super().__init__(f"Another product already has the SKU {sku}.", sku=sku)


class TooManyImages(Conflict):
    """The product has all the pictures it may have."""

    code = "too_many_images"
    hint = "Remove a picture first."

    def __init__(self, *, limit: int) -> None:
        super().__init__(f"A product has at most {limit} pictures.", limit=limit)


class OneFileOnly(Invalid):
    """A picture was to be replaced by several files."""

    code = "one_file_only"
    message = "A picture is replaced by one file."
    hint = "Send exactly one file."


class RevisionConflict(Conflict):
    """Somebody changed the product in the meantime; `current` is how it is now."""

    code = "revision_conflict"
    message = "Somebody else changed this product in the meantime."
    hint = "Look at `current`, then send your change again with its revision."

    def __init__(self, current: object = None) -> None:
        super().__init__(current=current)


class RevisionRequired(AvenueError):
    """The change says not which state it was made from (RFC 6585, section 3)."""

    status: ClassVar[int] = 428
    code = "revision_required"
    message = "Say which revision of the product your change is based on."
    hint = "Send `revision` as the product shows it."


class OrderMismatch(Conflict):
    """The order does not name exactly the product's pictures."""

    code = "order_mismatch"
    message = "The order must name each picture of the product exactly once."
    hint = "Read the product again and send all its picture ids in the new order."

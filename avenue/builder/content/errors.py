"""Errors about the content of a page."""

from avenue.errors import AvenueError, Unprocessable


class ContentTooLarge(AvenueError):
    """The HTML or CSS of a page is too large; `part` says which, `limit` how much is allowed.

    Pictures inside it count only while it comes in.
    """

    status = 413
    message = "The {part} of the page is too large: the maximum is {limit} characters."
    hint = "Split it into several pages."


class ContentTooTangled(Unprocessable):
    """The HTML or CSS has too many elements, or is nested too deeply."""

    message = "The {part} of the page has too many elements, or they are nested too deeply."
    hint = "Remove empty elements, and split a very long page."


class TooManyInlinePictures(Unprocessable):
    """The page itself contains too many pictures, as `data:` URLs."""

    message = "The page embeds more than {limit} images."
    hint = "Upload them to the library and add them from there."


class BadInlinePicture(Unprocessable):
    """A picture in the page itself, as a `data:` URL, cannot be read."""

    message = "An image embedded in the page is damaged."
    hint = "Remove it from the page, upload it to the library and add it from there."

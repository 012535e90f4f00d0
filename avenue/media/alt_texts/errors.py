"""Why a text was not written, or none was suggested.

::

    NotFound               404
    ├── PictureNotFound         no live picture of a product, a group or the library
    └── NoSuggestions           nobody is asked for suggestions here
    Conflict               409
    └── DescribedMeanwhile      the picture has another text by now
    Unprocessable          422
    └── NothingSuggested        the service had no text for it
    Unavailable            503
    └── SuggestersBusy          too many are being asked for at once
"""

from collections.abc import Mapping

from avenue.errors import Conflict, NotFound, Unavailable, Unprocessable


class PictureNotFound(NotFound):
    """There is no such picture, or the caller may not describe it."""

    message = "This image does not exist or was removed."
    hint = "Load the list again."


class NoSuggestions(NotFound):
    """No service for suggestions is set up."""

    message = "Alt text suggestions are not set up here."
    hint = "Set AVENUE_ALT_TEXT_URL to the address of a service that provides them."


class DescribedMeanwhile(Conflict):
    """Someone else wrote another text in the meantime; it is in `alt`, by language."""

    message = "Someone else described this image in the meantime."
    hint = "See `alt`; to replace that text, send yours again with it as `was`."

    def __init__(self, alt: Mapping[str, str], *, decorative: bool) -> None:
        self.alt = dict(alt)
        super().__init__(alt=self.alt, decorative=decorative)


class NothingSuggested(Unprocessable):
    """The service did not answer, or not with a usable text."""

    message = "There is no suggestion for this image."
    hint = (
        "Write the text yourself; if it happens with all images, check whether the service answers."
    )


class SuggestersBusy(Unavailable):
    """Too many suggestions are being requested at once."""

    message = "Many suggestions are being requested right now."
    hint = "Request it again after Retry-After."
    retry_after_seconds = 2

"""Errors of pages."""

from typing import Any, ClassVar

from avenue.errors import AvenueError, Conflict, NotFound, Unprocessable


class PageNotFound(NotFound):
    """The page does not exist on this site."""

    message = "This page does not exist."


class EntryNotFound(NotFound):
    """The history of the page has no such entry, or no longer has it."""

    code = "history_not_found"
    message = "This entry does not exist in the history of the page."
    hint = "Read the history again; old entries are not kept forever."


class SlugTaken(Conflict):
    """Another page of the site has this address."""

    message = "Another page already uses the address {slug}."
    hint = "Choose another address, or change that page."


class TooManyPages(Conflict):
    """The site has reached its limit of pages."""

    message = "A site can have at most {limit} pages."
    hint = "Delete a page you no longer need."


class TooManyPictures(Unprocessable):
    """The page uses too many pictures."""

    message = "A page can use at most {limit} different images."
    hint = "Split it into two pages."


class BadMoment(Unprocessable):
    """A page cannot be published at a moment that has passed, or too far ahead."""

    message = "The publishing time must be in the future, within {days} days."
    hint = "Publish it now, or choose another time."


class RevisionConflict(Conflict):
    """Someone else changed the page in the meantime.

    `current` is the page as it is now, `difference` what the change refused would make of it.
    """

    message = "Someone else changed this page in the meantime."
    hint = "Check `difference` and `current`, then send your change with its revision."

    def __init__(self, current: Any = None, difference: str = "") -> None:
        self.current, self.difference = current, difference
        super().__init__(current=current, difference=difference)


class RevisionRequired(AvenueError):
    """The change does not say on which revision it is based (RFC 6585, section 3)."""

    status: ClassVar[int] = 428
    message = "Specify which revision of the page your change is based on."
    hint = "Send `revision` as you read it."

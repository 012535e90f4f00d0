"""Errors of the list of error kinds."""

from avenue.errors import NotFound


class FailureNotFound(NotFound):
    """There is no kind of error of this id, or it was forgotten for newer ones."""

    code = "error_kind_not_found"
    message = "There is no error with this ID."
    hint = "GET /api/ops/errors lists the errors."

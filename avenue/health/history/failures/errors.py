"""What can go wrong with a kind of error."""

from avenue.errors import NotFound


class FailureNotFound(NotFound):
    """There is no kind of error of this id, or it was forgotten for newer ones."""

    code = "error_kind_not_found"
    message = "There is no kind of error of this id."
    hint = "GET /api/ops/errors lists those there are."

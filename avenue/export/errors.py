"""What can go wrong with exports."""

from avenue.errors import Conflict


class NotAnExport(Conflict):
    """The target holds other things than an export of Avenue."""

    code = "not_an_export"
    message = "{target} holds other things than an export of Avenue, so it is left untouched."
    hint = "Give an empty directory or prefix, or one that is not there yet."


class OtherExport(Conflict):
    """The target holds an export of another site, of other parts, or of a newer version."""

    code = "other_export"
    message = "{target} holds an export of something else, so it is left untouched."
    hint = "Give the same site and the same --as as before, or another target."

"""Errors of FilePond's protocol.

::

    Invalid
    └── OneFileAtATime   400  more than one file came in one request
"""

from avenue.errors import Invalid


class OneFileAtATime(Invalid):
    """More than one file came in one request, which is answered with one id."""

    code = "one_file_only"
    message = "FilePond sends one file at a time."
    hint = "Send each file in its own request."

"""Why a ticket is not made, or not taken.

::

    Invalid
    ├── NoTypeLeft             400  the category takes none of the types asked for
    ├── OneFileOnly            400  more than one file came
    Forbidden
    ├── InvalidTicket          403  no ticket came, or none that is good here
    ├── TicketForOtherTarget   403  the request names another category or reference
    Conflict
    ├── TicketUsed             409  another file came with it before
    Gone
    ├── TicketExpired          410  its time is over
    TooManyRequests
    └── TooManyTickets         429  somebody has made too many that nobody used
"""

from avenue.errors import Conflict, Forbidden, Gone, Invalid, TooManyRequests


class NoTypeLeft(Invalid):
    """The category accepts none of the requested types; `allowed` are its types."""

    message = "The category accepts none of these types."
    hint = "Request some of {allowed}, or omit `types`."


class OneFileOnly(Invalid):
    """A ticket is for one file, but several were sent."""

    message = "A ticket is for one file."
    hint = "Send one file; nothing was stored, and the ticket is still valid."


class InvalidTicket(Forbidden):
    """The ticket is missing, or not valid at this address."""

    message = "This upload needs a ticket that is valid here."
    hint = "Send `ticket` exactly as you received it, and only to the `url` that came with it."


class TicketForOtherTarget(Forbidden):
    """The request names another category or reference than its ticket is for."""

    message = "This ticket is for another category or reference."
    hint = "Omit `category` and `reference`: the ticket says where the file goes."


class TicketUsed(Conflict):
    """The ticket has already been used for another file."""

    message = "This ticket has already been used."
    hint = "Ask for a new one."


class TicketExpired(Gone):
    """The ticket has expired unused."""

    message = "This ticket has expired."
    hint = "Ask for a new one."


class TooManyTickets(TooManyRequests):
    """The person has too many unused tickets."""

    message = "You have {limit} unused tickets."
    hint = "Wait until some of them are used or expire."

"""Errors of the local mongod."""

from avenue.errors import Unavailable


class LocalMongodError(Unavailable):
    """There is no local mongod, or it did not start; the message contains all that is known."""

    code = Unavailable.code
    hint = "Set AVENUE_MONGOD to a working mongod, or MONGODB_URI to your own replica set."


class NoLocalDatabase(LocalMongodError):
    """The data directory has no database."""

    code = Unavailable.code
    hint = (
        "Is the server running with another AVENUE_DATA_DIR, or in another directory? Set "
        "AVENUE_DATA_DIR to the one that `serve --local` printed, or start the server "
        "first."
    )

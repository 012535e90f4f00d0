"""Errors when a move is started.

::

    Invalid
    ├── BadPlace          400  the address of a service is invalid, or contains a key
    ├── PlaceNotAllowed   400  a path that the panel may not use
    └── ServerNotAllowed  400  a server that only the command line may use
"""

from avenue.errors import Invalid


class BadPlace(Invalid):
    """The address of a service is invalid. It is not repeated: it may contain a key."""

    message = "This is not a service address."
    hint = (
        "Enter s3://bucket/prefix, supabase:https://ref.supabase.co/bucket, "
        "cloudinary:cloud or cfimages:account. Keys belong in the server's environment."
    )


class PlaceNotAllowed(Invalid):
    """In the panel, folders and files must be below AVENUE_MOVE_DIR."""

    message = "This is not inside the directory for moves."
    hint = (
        "AVENUE_MOVE_DIR sets the server directory inside which the panel can use folders "
        "and files. The commands accept any."
    )


class ServerNotAllowed(Invalid):
    """From the panel, the key of a source is only sent to that source's own servers."""

    message = "From here the key is sent only to supabase.co servers."
    hint = "Import files from your own server with python -m avenue import --from."

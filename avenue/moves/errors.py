"""What can go wrong when a move is begun.

::

    Invalid
    ├── BadPlace          400  no address of a service, or one with a key in it
    ├── PlaceNotAllowed   400  a path that the panel may not name
    └── ServerNotAllowed  400  a server that only the command line may name
"""

from avenue.errors import Invalid


class BadPlace(Invalid):
    """That is no address of a service. What was written is not told: a key may be in it."""

    code = "bad_place"
    message = "This is not a service address."
    hint = (
        "Enter s3://bucket/prefix, supabase:https://ref.supabase.co/bucket, "
        "cloudinary:cloud or cfimages:account. Keys belong in the server's environment."
    )


class PlaceNotAllowed(Invalid):
    """Folders and files are named in the panel below AVENUE_MOVE_DIR only."""

    code = "place_not_allowed"
    message = "This is not inside the directory for moves."
    hint = (
        "AVENUE_MOVE_DIR sets the server directory inside which the panel can use folders "
        "and files. The commands accept any."
    )


class ServerNotAllowed(Invalid):
    """The key of a source is sent from the panel to that source's own servers only."""

    code = "server_not_allowed"
    message = "From here the key is sent only to supabase.co servers."
    hint = "Import files from your own server with python -m avenue import --from."

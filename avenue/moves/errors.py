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
    message = "That is no address of a service."
    hint = (
        "Write s3://bucket/prefix, supabase:https://ref.supabase.co/bucket, cloudinary:cloud or "
        "cfimages:account. Keys belong into the environment of the server."
    )


class PlaceNotAllowed(Invalid):
    """Folders and files are named in the panel below AVENUE_MOVE_DIR only."""

    code = "place_not_allowed"
    message = "That is no place below the directory for moves."
    hint = (
        "AVENUE_MOVE_DIR says below which directory of the server the panel may name folders and "
        "files. The commands take any."
    )


class ServerNotAllowed(Invalid):
    """The key of a source is sent from the panel to that source's own servers only."""

    code = "server_not_allowed"
    message = "From here the key goes to servers of supabase.co only."
    hint = "Bring files of a server of your own in with python -m avenue import --from."

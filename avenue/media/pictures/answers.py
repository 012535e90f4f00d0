"""Serialises the results of a decode process to a message and its bytes."""

from collections.abc import Sequence
from typing import Any

from avenue.media.pictures.facts import CleanCopy, Examined, Look, PictureFacts, Rendition

Message = dict[str, Any]


def examined_to_message(examined: Examined) -> tuple[Message, list[bytes]]:
    """Return the message and bytes for `examined_from_message`."""
    facts, look = examined.facts, examined.look
    message, blobs = renditions_to_message(examined.renditions)
    message["facts"] = {
        "width": facts.width,
        "height": facts.height,
        "orientation": facts.orientation,
        "frames": facts.frames,
    }
    copy = examined.clean_copy
    message["clean_copy"] = copy and {
        "removed": copy.removed,
        "bytes": copy.bytes,
        "sha256": copy.sha256,
    }
    message["look"] = {"has_alpha": look.has_alpha, "color": look.color, "focal": look.focal}
    return message, [*blobs, look.placeholder]


def examined_from_message(message: Message, blobs: Sequence[bytes]) -> Examined:
    """Return the result of `examine` in a decode process."""
    *data, placeholder = blobs
    look = {**message["look"], "focal": tuple(message["look"]["focal"])}
    copy = message["clean_copy"]
    return Examined(
        facts=PictureFacts(**message["facts"]),
        look=Look(**look, placeholder=placeholder),
        renditions=tuple(renditions_from_message(message, data)),
        clean_copy=copy and CleanCopy(**{**copy, "removed": tuple(copy["removed"])}),
    )


def renditions_to_message(renditions: Sequence[Rendition]) -> tuple[Message, list[bytes]]:
    """Return the message and bytes for `renditions_from_message`."""
    rows = [
        {
            "variant": each.variant,
            "extension": each.extension,
            "width": each.width,
            "height": each.height,
        }
        for each in renditions
    ]
    return {"renditions": rows}, [each.data for each in renditions]


def renditions_from_message(message: Message, blobs: Sequence[bytes]) -> list[Rendition]:
    """Return the renditions from a decode process."""
    rows = message["renditions"]
    return [Rendition(**row, data=data) for row, data in zip(rows, blobs, strict=True)]

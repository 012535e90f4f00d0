"""Errors of resumable uploads.

::

    Invalid
    ├── InvalidTusHeader       400  a header that cannot be read; `header` names it
    ├── UnsupportedTusVersion  412  no `Tus-Resumable: 1.0.0`
    ├── NotAPart               415  a part of a file has a media type of its own
    ├── ChecksumMismatch       460  the bytes are not those that were sent
    Conflict
    ├── OffsetMismatch         409  the part does not begin where the upload stands
    ├── UploadLost             409  what came is not there any more
    ├── UploadTakenOver        423  another request goes on with this upload
    TooManyRequests
    └── TooManyOpenUploads     429  somebody has begun too many and finished none
"""

from avenue.errors import Conflict, Invalid, TooManyRequests


class InvalidTusHeader(Invalid):
    """A header of the tus protocol is missing or invalid; `header` names it."""

    message = "The header {header} is missing or does not follow tus 1.0.0."
    hint = "Use a client library of the tus protocol to send the upload."


class UnsupportedTusVersion(Invalid):
    """The request lacks `Tus-Resumable: 1.0.0`; `Tus-Version` lists the supported versions."""

    status = 412
    message = "Only version 1.0.0 of the tus protocol is supported here."
    hint = "Send the header Tus-Resumable with 1.0.0."

    def __init__(self) -> None:
        super().__init__(headers={"Tus-Version": "1.0.0"})


class NotAPart(Invalid):
    """The Content-Type of a part is not `application/offset+octet-stream`."""

    status = 415
    message = "A part of a file must be sent as application/offset+octet-stream."
    hint = "Send it with that Content-Type, whatever the type of the file."


class ChecksumMismatch(Invalid):
    """The bytes of a part do not match its checksum; none of them were kept."""

    status = 460  # the tus protocol, "Checksum"
    message = "The part was changed in transit: its checksum does not match."
    hint = "Send the same part again; none of it was stored."


class OffsetMismatch(Conflict):
    """A part does not begin at the current offset of the upload, which is `offset`."""

    code = "upload_offset_mismatch"
    message = "The upload is at byte {offset}, and this part starts elsewhere."
    hint = "Send HEAD to get the current offset, and continue from there."


class UploadLost(Conflict):
    """Received bytes have been lost; the upload was ended."""

    message = "The data received for this file is damaged, so the upload was ended."
    hint = "Start it again."


class UploadTakenOver(Conflict):
    """A later request has taken over the same upload."""

    status = 423
    message = "Another request is continuing this upload."
    hint = (
        "Send HEAD to get the current offset, and continue from there if the other "
        "request does not."
    )


class TooManyOpenUploads(TooManyRequests):
    """The person has too many unfinished uploads."""

    message = "You have {limit} unfinished uploads."
    hint = "Finish or cancel some of them first."

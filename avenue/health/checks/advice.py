"""Advice on pictures with problems, for the people who refer to them."""

from collections.abc import Mapping

from avenue.media.references import Kind

UPLOAD_AGAIN = "Upload the same picture to it again: that mends the stored one."
UPLOAD_ANY = "Upload the picture to it again; the entry that leads nowhere goes with that."
NEVER_LASTED = (
    "Only the disk of a machine had it. Upload the picture and remove this entry, by its URL."
)
MEND_RECORD = (
    "Put the field right in the database, or restore the record from a backup. Until then it is "
    "left out of lists."
)
ADVICE: Mapping[Kind, str] = {
    Kind.ASSET_MISSING: UPLOAD_ANY,
    Kind.ASSET_IN_TRASH: "Restore the picture, or upload it again.",
    Kind.ASSET_PURGING: UPLOAD_ANY,
    Kind.FILE_MISSING: UPLOAD_AGAIN,
    Kind.WRONG_LENGTH: UPLOAD_AGAIN,
    Kind.CHUNK_MISSING: UPLOAD_AGAIN,
    Kind.CHUNK_DUPLICATE: UPLOAD_AGAIN,
    Kind.CHUNK_SHORT: UPLOAD_AGAIN,
    Kind.CHUNK_LONG: UPLOAD_AGAIN,
    Kind.CHUNK_SURPLUS: UPLOAD_AGAIN,
    Kind.WRONG_HASH: UPLOAD_AGAIN,
    Kind.MALFORMED_ENTRY: "Another program wrote this entry; it shows nothing. Remove it there.",
    Kind.LOCAL_PATH: NEVER_LASTED,
    Kind.LOCALHOST: NEVER_LASTED,
    Kind.ASSET_UNREADABLE: MEND_RECORD,
    Kind.MALFORMED_RECORD: MEND_RECORD,
    Kind.NOT_OWNED: "The picture can vanish with its owner. Upload it to this one as well.",
}
"""The advice for each kind of problem, for products and groups."""

CHOOSE_ANOTHER = "Choose another picture there; nobody has this one any more."
REPLACE = "Replace the file in the media library by the same picture."
WEBSITE_ADVICE: Mapping[Kind, str] = {
    Kind.ASSET_MISSING: CHOOSE_ANOTHER,
    Kind.ASSET_PURGING: CHOOSE_ANOTHER,
    Kind.ASSET_IN_TRASH: "Restore the picture in the media library, or choose another there.",
    Kind.NOT_OWNED: "The picture will vanish by itself. Upload it to the media library.",
    Kind.ASSET_UNREADABLE: MEND_RECORD,
    Kind.MALFORMED_RECORD: MEND_RECORD,
    Kind.MALFORMED_ENTRY: "Another program wrote this. Choose a picture there.",
}
"""The advice for pages and logos, where it is not `REPLACE`."""

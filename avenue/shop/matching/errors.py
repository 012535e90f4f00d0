"""What can go wrong with pictures by SKU.

::

    PictureImportNotFound   404
    TooManyFiles            413
    FileNotInArchive        404
    ArchiveExpired          410  nobody applied it in time
    ImportBegun             409  its files are given to products before it is applied
    NothingToBring          409  no file of it is of a product
"""

from avenue.errors import Conflict, Gone, Invalid, NotFound


class PictureImportNotFound(NotFound):
    """The import of pictures does not exist (any more), or is not yours."""

    message = "There is no such photo import."
    hint = "Imports are kept for 30 days."


class TooManyFiles(Invalid):
    """The ZIP has more files than one import accepts."""

    status = 413
    message = "The ZIP has more than {limit} files."
    hint = "Send it in several parts."


class FileNotInArchive(NotFound):
    """The import has no picture with this number."""

    code = "picture_import_file_not_found"
    message = "The import has no photo with this number."
    hint = "List its files; skipped ones are not images."


class ImportBegun(Conflict):
    """Files cannot be assigned any more, because the import is being applied."""

    code = "picture_import_begun"
    message = "This import is already applied."
    hint = "Send the ZIP again; photos already stored are not stored twice."


class ArchiveExpired(Gone):
    """The ZIP of an import was not applied in time and is deleted."""

    message = "The ZIP was not applied in time and was deleted."
    hint = "Send it again; what was already imported is not stored twice."


class NothingToBring(Conflict):
    """No file of the ZIP matches a product."""

    message = "No file in this ZIP matches a product."
    hint = "Name the files after SKUs, like AB-1.jpg or AB-1-2.jpg, and send it again."

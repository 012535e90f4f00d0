"""What can go wrong with folders."""

from avenue.builder.library.folders.models import DEEPEST, MOST_FOLDERS
from avenue.errors import Conflict, NotFound


class FolderNotFound(NotFound):
    """The site's library has no such folder."""

    code = "folder_not_found"
    message = "There is no such folder."


class FolderNotEmpty(Conflict):
    """Files or folders lie in it; `media` and `folders` say how many."""

    code = "folder_not_empty"
    message = "This folder is not empty."
    hint = "Move what lies in it somewhere else first."

    def __init__(self, *, media: int = 0, folders: int = 0) -> None:
        super().__init__(media=media, folders=folders)


class FolderNameTaken(Conflict):
    """Another folder in the same place has this name."""

    code = "folder_name_taken"
    message = "There is a folder of this name already."
    hint = "Choose another name; accents and case make no difference."


class FolderTooDeep(Conflict):
    """Folders would lie in one another too deep."""

    code = "folder_too_deep"
    message = "Folders lie in one another at most {limit} deep."
    hint = "Choose a place nearer to the top."

    def __init__(self) -> None:
        super().__init__(limit=DEEPEST)


class FolderInItself(Conflict):
    """A folder was to be moved into itself, or into what lies in it."""

    code = "folder_in_itself"
    message = "A folder cannot lie in itself."
    hint = "Choose a folder that is not below this one."


class TooManyFolders(Conflict):
    """The library has as many folders as it may have."""

    code = "too_many_folders"
    message = "A library has at most {limit} folders."
    hint = "Delete some that are empty."

    def __init__(self) -> None:
        super().__init__(limit=MOST_FOLDERS)

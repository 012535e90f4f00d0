"""Errors of folders."""

from avenue.errors import Conflict, NotFound


class FolderNotFound(NotFound):
    """The library has no such folder."""

    code = "folder_not_found"
    message = "This folder does not exist."


class FolderNotEmpty(Conflict):
    """The folder is not empty; `media` and `folders` say how much it contains."""

    code = "folder_not_empty"
    message = "This folder is not empty."
    hint = "Move its contents somewhere else first."


class FolderNameTaken(Conflict):
    """Another folder in the same place has this name."""

    code = "folder_name_taken"
    message = "A folder with this name already exists."
    hint = "Choose another name; accents and case make no difference."


class FolderTooDeep(Conflict):
    """The folders would be nested too deeply."""

    code = "folder_too_deep"
    message = "Folders can be nested at most {limit} levels deep."
    hint = "Choose a place closer to the top level."


class FolderInItself(Conflict):
    """A folder cannot be moved into itself or one of its subfolders."""

    code = "folder_in_itself"
    message = "A folder cannot be inside itself."
    hint = "Choose a folder that is not inside this one."


class TooManyFolders(Conflict):
    """The library has reached its limit of folders."""

    code = "too_many_folders"
    message = "A library can have at most {limit} folders."
    hint = "Delete some empty ones."

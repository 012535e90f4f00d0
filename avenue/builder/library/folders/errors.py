"""Errors of folders."""

from avenue.errors import Conflict, NotFound


class FolderNotFound(NotFound):
    """The library has no such folder."""

    message = "This folder does not exist."


class FolderNotEmpty(Conflict):
    """The folder is not empty; `media` and `folders` say how much it contains."""

    message = "This folder is not empty."
    hint = "Move its contents somewhere else first."


class FolderNameTaken(Conflict):
    """Another folder in the same place has this name."""

    message = "A folder with this name already exists."
    hint = "Choose another name; accents and case make no difference."


class FolderTooDeep(Conflict):
    """The folders would be nested too deeply."""

    message = "Folders can be nested at most {limit} levels deep."
    hint = "Choose a place closer to the top level."


class FolderInItself(Conflict):
    """A folder cannot be moved into itself or one of its subfolders."""

    message = "A folder cannot be inside itself."
    hint = "Choose a folder that is not inside this one."


class TooManyFolders(Conflict):
    """The library has reached its limit of folders."""

    message = "A library can have at most {limit} folders."
    hint = "Delete some empty ones."

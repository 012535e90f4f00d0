"""Services by class: `app` provides them, routes use them."""

from typing import Any, TypeVar, cast

from flask import Flask, current_app

T = TypeVar("T")
EXTENSION = "avenue"


def provide(app: Flask, *services: object) -> None:
    """Give `app` the services its routes will ask for, each under its own class."""
    shelf: dict[type[Any], object] = app.extensions.setdefault(EXTENSION, {})
    shelf.update({type(service): service for service in services})


def using(kind: type[T]) -> T:
    """Return the service of class `kind` that the running app was given."""
    return cast("T", current_app.extensions[EXTENSION][kind])

"""Services by class: `app` provides them, routes use them."""

from typing import Any, TypeVar, cast

from flask import Flask, current_app

T = TypeVar("T")
EXTENSION = "avenue"


def provide(app: Flask, *services: object) -> None:
    """Register the services for the routes of `app`, each under its own class."""
    by_class: dict[type[Any], object] = app.extensions.setdefault(EXTENSION, {})
    by_class.update({type(service): service for service in services})


def using(kind: type[T]) -> T:
    """Return the service of class `kind` registered in the running app."""
    return cast("T", current_app.extensions[EXTENSION][kind])

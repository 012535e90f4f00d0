"""Facts about a view that decorators keep at the view itself."""

from collections.abc import Callable
from typing import Generic, TypeVar

from flask import current_app, request

Fact = TypeVar("Fact")
View = TypeVar("View", bound=Callable[..., object])
AnyView = Callable[..., object]


class Mark(Generic[Fact]):
    """One kind of fact, under `name` at the view."""

    def __init__(self, name: str) -> None:
        self._name = name

    def says(self, fact: Fact) -> Callable[[View], View]:
        """Return a decorator that keeps `fact` at a view."""

        def mark(view: View) -> View:
            setattr(view, self._name, fact)
            return view

        return mark

    def of(self, view: AnyView | None) -> Fact | None:
        """Return the fact of `view`; None if it has none."""
        found: Fact | None = getattr(view, self._name, None)
        return found


class Flag(Mark[bool]):
    """A decorator for views, and whether a view has it."""

    def __call__(self, view: View) -> View:
        """Mark `view`."""
        return self.says(True)(view)

    def is_on(self, view: AnyView | None) -> bool:
        """Return whether `view` is marked."""
        return self.of(view) is True


def current_view() -> AnyView | None:
    """Return the view of the current request; None if there is no route for it."""
    return current_app.view_functions.get(request.endpoint or "")

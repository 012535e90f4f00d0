"""Access to the media library."""

from avenue.errors import Forbidden, Unauthenticated
from avenue.identity import Actor, Role


def require_editor(actor: Actor) -> None:
    """Raise `Unauthenticated` or `Forbidden` unless the actor is an editor or administrator."""
    if actor.id is None:
        raise Unauthenticated
    if not actor.has_role(Role.EDITOR):
        raise Forbidden

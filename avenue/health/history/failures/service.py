"""Lists error kinds for operators of the deployment, and marks them as resolved."""

from avenue.clock import utc_now
from avenue.errors import required
from avenue.health.history.failures.errors import FailureNotFound
from avenue.health.history.failures.models import Failure, FailureState
from avenue.health.history.failures.store import FailureStore
from avenue.identity import Actor


class FailureService:
    """The error kinds of the whole deployment; raises `Forbidden` for others."""

    def __init__(self, store: FailureStore) -> None:
        self._store = store

    def list(self, actor: Actor, state: FailureState | None = None) -> list[Failure]:
        """Return the error kinds, at most 100, newest first."""
        actor.must_run_deployment()
        return self._store.find(state)

    def resolve(self, actor: Actor, failure_id: str) -> Failure:
        """Mark an error kind as resolved, and return it. Raise `FailureNotFound`."""
        actor.must_run_deployment()
        self._store.resolve(failure_id, utc_now(), actor.id)
        return self._found(failure_id)

    def reopen(self, actor: Actor, failure_id: str) -> Failure:
        """Mark an error kind as unresolved, and return it. Raise `FailureNotFound`."""
        actor.must_run_deployment()
        self._store.reopen(failure_id)
        return self._found(failure_id)

    def _found(self, failure_id: str) -> Failure:
        return required(self._store.one(failure_id), FailureNotFound)

"""What can go wrong with background work.

::

    NotFound
    └── JobNotFound   404  no such job, or forgotten since it finished

    Interrupted            the run must end; never reaches a person
    ├── LeaseLost          another runner may have taken the job
    └── Stopping           this process is about to end; the job is handed back
"""

from avenue.errors import NotFound


class JobNotFound(NotFound):
    """There is no such job, or it finished long ago."""

    code = "job_not_found"
    message = "There is no such job."
    hint = "Finished jobs are kept for 30 days."


class Interrupted(Exception):
    """Raised by `RunningJob.save`: the handler must let it pass and do nothing more."""


class LeaseLost(Interrupted):
    """The lease ended and another runner may hold the job now."""


class Stopping(Interrupted):
    """The process is about to end; what was saved is where another one goes on."""

"""What can go wrong with background work.

::

    NotFound
    └── JobNotFound     404  no such job, or forgotten since it finished

    Conflict
    ├── JobOver         409  it is over, or about to be
    ├── JobPaused       409  somebody has paused what was to be waited for
    ├── JobNotSetUp     409  the settings name nobody to send it to
    ├── JobIsPeriodic   409  it runs again and again and cannot be cancelled

    GiveUp                   the run must end, and another try would end alike

    Unavailable
    └── Waits           503  what the job needs is away, for however long

    Interrupted              the run must end; never reaches a person
    ├── LeaseLost            another runner may have taken the job
    ├── Halted               somebody paused or cancelled the job
    └── Stopping             this process is about to end; the job is handed back
"""

from avenue.errors import AvenueError, Conflict, NotFound, Unavailable


class JobNotFound(NotFound):
    """There is no such job, or it finished long ago."""

    code = "job_not_found"
    message = "This job does not exist."
    hint = "Finished jobs are kept for 30 days."


class JobOver(Conflict):
    """The job is over, or was told to be."""

    code = "job_over"
    message = "This job is finished, or was just cancelled."
    hint = "Check the list of jobs again."


class Waits(Unavailable):
    """What a job needs is away; it goes on once that is back."""

    code = "job_waits"
    message = "This is waiting for the cluster of its site, which is not responding."
    hint = "It resumes automatically."


class JobPaused(Conflict):
    """Somebody has paused the job, and nobody waits for it until it is resumed. `job` is its id."""

    code = "job_paused"
    message = "Someone paused this job."
    hint = "Resume it with `python -m avenue jobs resume`; `jobs list` has its id."


class JobNotSetUp(Conflict):
    """The settings name nobody to send this to, so it never runs. `kind` is the kind of job."""

    code = "job_not_set_up"
    message = "This is not set up, so there is nothing to run."
    hint = (
        "Webhooks need AVENUE_WEBHOOK_URL, purges AVENUE_PURGE_URL, emails AVENUE_SMTP_URL "
        "and alerts AVENUE_ALERT_URL."
    )


class JobIsPeriodic(Conflict):
    """The job runs again and again: it can be paused, not cancelled."""

    code = "job_is_periodic"
    message = "This job is recurring, so it cannot be cancelled."
    hint = "Pause it instead, and resume it later."


class GiveUp(Exception):
    """Raised by a handler whose job is to fail at once, with the sentence of `error`."""

    def __init__(self, error: AvenueError) -> None:
        self.error = error
        super().__init__(error.message)


class Interrupted(Exception):
    """Raised by `RunningJob.save`: the handler must let it pass and do nothing more."""


class LeaseLost(Interrupted):
    """The lease ended and another runner may hold the job now."""


class Halted(Interrupted):
    """Somebody paused or cancelled the job; what was saved is where it goes on, if it does."""


class Stopping(Interrupted):
    """The process is about to end; what was saved is where another one goes on."""

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
    """The job does not exist, or finished long ago."""

    message = "This job does not exist."
    hint = "Finished jobs are kept for 30 days."


class JobOver(Conflict):
    """The job has ended, or was cancelled."""

    message = "This job is finished, or was just cancelled."
    hint = "Check the list of jobs again."


class Waits(Unavailable):
    """Something that the job needs is unreachable; the job continues once it is back."""

    code = "job_waits"
    message = "This is waiting for the cluster of its site, which is not responding."
    hint = "It resumes automatically."


class JobPaused(Conflict):
    """The job is paused, and nothing waits for it until it is resumed. `job` is its id."""

    message = "Someone paused this job."
    hint = "Resume it with `python -m avenue jobs resume`; `jobs list` has its id."


class JobNotSetUp(Conflict):
    """The settings name no receiver, so the job never runs. `kind` is the kind of job."""

    message = "This is not set up, so there is nothing to run."
    hint = (
        "Webhooks need AVENUE_WEBHOOK_URL, purges AVENUE_PURGE_URL, emails AVENUE_SMTP_URL "
        "and alerts AVENUE_ALERT_URL."
    )


class JobIsPeriodic(Conflict):
    """The job is periodic: it can be paused, not cancelled."""

    message = "This job is recurring, so it cannot be cancelled."
    hint = "Pause it instead, and resume it later."


class GiveUp(Exception):
    """Raised by a handler whose job must fail at once, with the message of `error`."""

    def __init__(self, error: AvenueError) -> None:
        self.error = error
        super().__init__(error.message)


class Interrupted(Exception):
    """Raised by `RunningJob.save`: the handler must let it propagate and do nothing more."""


class LeaseLost(Interrupted):
    """The lease ended, and another runner may hold the job now."""


class Halted(Interrupted):
    """The job was paused or cancelled; if it is resumed, it continues from what was saved."""


class Stopping(Interrupted):
    """The process is about to end; another one continues from what was saved."""

"""What can go wrong with sites."""

from avenue.errors import Conflict, Forbidden, Invalid, NotFound, Unavailable
from avenue.jobs.errors import Waits


class SiteNotFound(NotFound):
    """The deployment has no such site."""

    message = "There is no such site."
    hint = "`python -m avenue site list` shows all sites."


class SiteExists(Conflict):
    """A site with this id already exists."""

    message = "A site with this id already exists."
    hint = "Use another id, or change that site."


class FirstSite(Conflict):
    """The first site of the deployment cannot be removed."""

    message = "The first site cannot be removed: the installation is managed from it."
    hint = "Delete its contents instead."


class SiteNotRemoved(Conflict):
    """The site is not removed, so it cannot be restored."""

    message = "This site was not removed."
    hint = "`python -m avenue site list` shows the state of each site."


class SiteIsDeleted(Conflict):
    """The site can no longer be restored; its data is being deleted."""

    message = "The deletion of this site has started, so it cannot be restored."
    hint = "`python -m avenue backup restore --site ID` restores it from a backup."


class NotThatClone(Conflict):
    """A site of this id is already being cloned, from another site or with other parts."""

    message = "A site with this id is already being cloned from {source}."
    hint = "Wait until that is done, or use another id."


class SiteNotEmpty(Unavailable):
    """Something was written to the site while it was deleted."""

    message = "Something was written to the site while it was being deleted: {left}."
    hint = "The next run also deletes that."


class SiteIsBusy(Unavailable):
    """Background work that started before the site was closed is still running."""

    message = "Background work that started before the site was removed is still running: {kinds}."
    hint = "The site is deleted once that finishes."


class HostTaken(Conflict):
    """The host belongs to another site."""

    message = "A host of this address already points to another site."
    hint = "Use another host, or remove it from that site first."


class HostNotGiven(Forbidden):
    """Only a superuser may set an address whose host does not belong to the site."""

    message = "This address has a host that does not point to the site."
    hint = "Use one of the site's hosts, or ask a superuser to add this one."


class InvalidHost(Invalid):
    """The host or address of a site is invalid."""

    message = "This is not a valid address for a site."
    hint = (
        "Enter an address like https://shop.example and a host like shop.example, in ASCII "
        "(xn--…), with a port only if it is not the usual one."
    )


class NoSuchCluster(Invalid):
    """The cluster for the new site does not exist."""

    message = "There is no cluster with this name."
    hint = "`clusters list` shows the available ones; if you name none, the lightest is used."


class LimitTooHigh(Invalid):
    """A site's limit cannot be above the deployment's; `most` is what it may be."""

    message = "`{limit}` may be at most {most} here."
    hint = "Use up to {most}; the server administrator can allow more."


class TooManyCategories(Invalid):
    """The site has reached its limit of upload categories."""

    message = "A site can have up to {most} categories of its own."
    hint = "Remove one first; its files are kept."


class LogoNotFound(NotFound):
    """The site has no logo."""

    message = "This site has no logo."


class NotInLibrary(NotFound):
    """The chosen logo is not a picture in the library."""

    message = "There is no such image in this site's library."
    hint = "Choose one that exists and is not in the trash, or upload the logo."


class OneLogoOnly(Invalid):
    """Several files were sent as the logo."""

    code = "one_file_only"
    message = "A site can have only one logo."
    hint = "Send exactly one file."


class RevisionConflict(Conflict):
    """Somebody changed the site in the meantime; `current` is how it is now."""

    message = "Someone else changed this site in the meantime."
    hint = "Check `current`, then send your change again with its revision."

    def __init__(self, current: object = None) -> None:
        super().__init__(current=current)


class SiteIsMoving(Conflict):
    """The site is being moved between two clusters."""

    message = "The site {site} is being moved from {origin} to {target}."
    hint = "`python -m avenue site list` shows its progress; `site move {site} --abort` ends it."


class SiteBetweenClusters(Conflict):
    """A site that has data on two clusters cannot be removed."""

    message = "This site was moved, and the previous cluster still has its data."
    hint = "End the move first: `site move ID --to CLUSTER --now`, or `site move ID --abort`."


class FirstSiteStays(Conflict):
    """The first site of the deployment cannot be moved."""

    message = "The first site stays on the cluster home: the installation is managed from it."
    hint = "Move another one."


class IsThere(Conflict):
    """The site is already on this cluster."""

    code = "site_is_there"
    message = "The site is on the cluster {cluster}."
    hint = "`clusters list` shows which sites each cluster has."


class NothingToAbort(Conflict):
    """The site is not being moved, or the move is complete."""

    message = "This site has no move that can be ended: it has not started, or is already done."
    hint = "`site move ID --to CLUSTER` moves it back while the other cluster still has it."


class ProcessesLackCluster(Conflict):
    """Some processes of this deployment do not have a cluster configured."""

    message = "{count} processes of this installation do not know both clusters."
    hint = "Set the same AVENUE_CLUSTER_<NAME> for every process, and restart them."


class BackupRuns(Waits):
    """A backup is reading what is to be moved."""

    code = "move_waits_for_backup"
    message = "A backup is running. Sites are not moved to another cluster meanwhile."
    hint = "The move resumes by itself once the backup finishes."


class TransactionsOpen(Waits):
    """A transaction has been open for a while: its process was stopped, or lost its network."""

    code = "move_waits_for_transaction"
    message = "A process left a transaction open, which ends by itself within a minute."
    hint = "The move then resumes by itself."


class WritesTooMuch(Unavailable):
    """The site is written to faster than it can be copied."""

    code = "site_writes_too_much"
    message = "The site is being written to faster than it can be copied."
    hint = "The move retries by itself at a quieter time; you can pause imports meanwhile."

"""What can go wrong with sites."""

from avenue.errors import Conflict, Forbidden, Invalid, NotFound


class SiteNotFound(NotFound):
    """The house has no such site."""

    code = "site_not_found"
    message = "There is no such site."
    hint = "`python -m avenue site list` shows all."


class SiteExists(Conflict):
    """Another site has this id."""

    code = "site_exists"
    message = "There is already a site with this id."
    hint = "Use another id, or change that site."


class HostTaken(Conflict):
    """The host leads to another site."""

    code = "host_taken"
    message = "A host of this address already leads to another site."
    hint = "Use another host, or take it from that site first."


class HostNotGiven(Forbidden):
    """Somebody who is no superuser wants an address whose host does not lead to the site."""

    code = "host_not_given"
    message = "This address has a host that does not lead to the site."
    hint = "Use one of the site's hosts, or ask a superuser to add this one."


class InvalidHost(Invalid):
    """A host or an address cannot be one of a site."""

    code = "invalid_host"
    message = "This cannot be the address of a site."
    hint = (
        "Write an address as https://shop.example and a host as shop.example, in ASCII (xn--…), "
        "with a port only if it is an unusual one."
    )


class LimitTooHigh(Invalid):
    """A site's limit cannot be above the house's; `most` is what it may be."""

    code = "limit_too_high"
    message = "`{limit}` may be at most {most} here."
    hint = "Use at most {most}; whoever runs the house can allow more."

    def __init__(self, limit: str, most: int) -> None:
        super().__init__(limit=limit, most=most)


class TooManyCategories(Invalid):
    """A site has all the categories of uploads it may have."""

    code = "too_many_categories"
    message = "A site has at most {most} categories of its own."
    hint = "Take one away first; its files stay."

    def __init__(self, most: int) -> None:
        super().__init__(most=most)


class LogoNotFound(NotFound):
    """The site has no logo."""

    code = "logo_not_found"
    message = "This site has no logo."


class NotInLibrary(NotFound):
    """What was chosen as the logo is no picture of the site's library."""

    code = "not_in_library"
    message = "There is no such picture in the library of this site."
    hint = "Choose one that is there and not in the trash, or upload the logo."


class OneLogoOnly(Invalid):
    """Several files were sent as the logo."""

    code = "one_file_only"
    message = "A site has one logo."
    hint = "Send exactly one file."


class RevisionConflict(Conflict):
    """Somebody changed the site in the meantime; `current` is how it is now."""

    code = "revision_conflict"
    message = "Somebody else changed this site in the meantime."
    hint = "Look at `current`, then send your change again with its revision."

    def __init__(self, current: object = None) -> None:
        super().__init__(current=current)

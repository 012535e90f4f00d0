"""The services of the website."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from avenue.app.services.files import Files
from avenue.app.uses import LogoUses, PageUses
from avenue.builder.library.folders.store import FolderStore
from avenue.builder.library.models import Users
from avenue.builder.library.service import MediaService
from avenue.builder.library.store import MediaStore
from avenue.builder.website.intake import Intake
from avenue.builder.website.models import path_of
from avenue.builder.website.service import PageService
from avenue.builder.website.showing import ShownPages
from avenue.builder.website.store.history import PageHistory
from avenue.builder.website.store.pages import PageStore
from avenue.builder.website.store.pictures import PagePictures
from avenue.builder.website.store.uses import PageUseStore
from avenue.identity import Actor, Site
from avenue.media.intake.policy import library_pictures, site_logo
from avenue.media.models import State, Visibility
from avenue.media.presenting import has_sizes, logo_shown
from avenue.media.store.library import LibraryStore
from avenue.outside.fetching import Fetcher
from avenue.sites.service import LogoService
from avenue.web.site_frame import Logo


@dataclass(frozen=True)
class Website(Files):
    """Pages, logos and the media library."""

    @cached_property
    def page_store(self) -> PageStore:
        """The store of pages."""
        return PageStore(self.database)

    @cached_property
    def pages(self) -> PageService:
        """The pages of the website builder."""
        policy = library_pictures(self.settings)
        pictures = PagePictures(self.database)
        intake = Intake(pictures, self.library, policy, self.settings.tmp_dir)
        history = PageHistory(self.database)
        return PageService(self.page_store, history, self.page_uses, self.library, intake)

    @cached_property
    def page_uses(self) -> PageUseStore:
        """Which pages use a file."""
        return PageUseStore(self.database)

    @cached_property
    def shown_pages(self) -> ShownPages:
        """The pages as visitors see them."""
        paths = self.legacy_urls.find_many
        return ShownPages(self.page_store, self.library, self.sites.logo, paths)

    @cached_property
    def logos(self) -> LogoService:
        """The logos of sites."""
        return LogoService(self.site_store, self.sites, self.library, site_logo(self.settings))

    @cached_property
    def media_users(self) -> list[Users]:
        """The users of media library files."""
        return [LogoUses(self.site_store, self.logos), PageUses(self.page_uses, self.pages)]

    @cached_property
    def folders(self) -> FolderStore:
        """The folders of the media library, as they are stored."""
        return FolderStore(self.database, self.site_counts)

    @cached_property
    def media(self) -> MediaService:
        """The media library; it asks the users of a file before deleting it."""
        library_store = LibraryStore(self.database)
        store = MediaStore(self.database, library_store, self.folders, self.media_users)
        settings = self.settings
        fetcher = Fetcher(seconds=settings.fetch_seconds, tmp_dir=settings.tmp_dir)
        return MediaService(store, self.library, self.reader, fetcher, settings)

    def logo_shown_on(self, site: Site) -> Logo | None:
        """Return the logo that public pages of `site` show, if it is public."""
        logo = self.sites.logo(site.id)
        if logo is None:
            return None
        found = self.library.get_many(Actor(site=site), [logo]).get(logo)
        if found is None or found.state is not State.LIVE or found.visibility is Visibility.PRIVATE:
            return None
        if found.current.is_withheld:
            return None
        return logo_shown(found, has_sizes=has_sizes(site, found))

    def published_paths(self, site: Site) -> list[tuple[str, datetime]]:
        """Return the paths of the published pages of `site`, for the sitemap."""
        return [
            (path_of(each.slug), each.changed_at) for each in self.page_store.addresses(site.id)
        ]

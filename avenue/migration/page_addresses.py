"""Old addresses in stored pages, and their replacement by assets."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from avenue.errors import Conflict
from avenue.media.models import Asset
from avenue.migration.addresses import OldAddresses
from avenue.migration.models import PAGE, Page, Reference
from avenue.migration.store import PageStore

TRIES = 5


class PageAddresses:
    """The pages of one site. `answering` returns the asset that a path leads to, or None."""

    def __init__(
        self,
        site_id: str,
        store: PageStore,
        addresses: OldAddresses,
        answering: Callable[[str], Asset | None],
    ) -> None:
        self._site = site_id
        self._store = store
        self._addresses = addresses
        self._answering = answering

    def references(self) -> Iterator[Reference]:
        """Yield every address under the prefix that a page names."""
        for page in self._pages():
            paths: list[str] = []
            self._addresses.rewritten(page.parts, paths.append)
            for path in dict.fromkeys(paths):
                yield _reference(page, path)

    def rewrite(self) -> Iterator[Reference]:
        """Replace addresses whose files are assets now; yield those replaced."""
        for page in self._pages():
            yield from self._rewrite(page)

    def _rewrite(self, page: Page | None) -> list[Reference]:
        for _ in range(TRIES):
            if page is None:
                return []
            used: dict[str, str] = {}

            def name(path: str, used: dict[str, str] = used) -> str | None:
                asset = self._answering(path)
                if asset is None:
                    return None
                used[path] = asset.id
                return f"avenue:{asset.id}/original"

            changed = replace(page, parts=self._addresses.rewritten(page.parts, name))
            if not used or self._store.change_page(self._site, changed, set(used.values())):
                return [_reference(page, path) for path in used]
            page = self._store.page(self._site, page.id)
        raise Conflict("A page is being changed again and again; run the import once more.")

    def _pages(self) -> Iterator[Page]:
        last_id = ""
        while pages := self._store.pages_after(self._site, last_id):
            yield from pages
            last_id = pages[-1].id


def _reference(page: Page, path: str) -> Reference:
    return Reference(kind=PAGE, id=page.id, address=path, path=path)

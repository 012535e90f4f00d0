"""Header, menu and footer of the public pages of a site.

Templates import `site_frame.html`; a page that is not a template gets the same as text from
`frame`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from babel import Locale, UnknownLocaleError
from flask import Flask, current_app
from flask_babel import force_locale

from avenue.identity import Site
from avenue.theme import NETWORKS, digits
from avenue.web.language import LANGUAGES, LOCALES


@dataclass(frozen=True, slots=True, kw_only=True)
class Logo:
    """A site's logo in its header; `srcset` is "" if it has a single size."""

    src: str
    srcset: str = ""
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True, slots=True)
class Logos:
    """Returns the logo of a site; None if it has no public one."""

    of: Callable[[Site], Logo | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The HTML before and after the content of a page."""

    header: str
    footer: str


def install(app: Flask) -> None:
    """Provide templates with the data of header and footer."""
    app.add_template_global(networks_of)
    app.add_template_global(digits, "digits_of")
    app.add_template_global(dialled)


def frame(
    site: Site,
    logo: Logo | None,
    path: str,
    locale: str,
    languages: Sequence[tuple[str, str]] = (),
) -> Frame:
    """Return header and footer of the page at `path`, which is in the language of `locale`.

    `languages` are the locales of the page with their paths.
    """
    template = current_app.jinja_env.get_template("site_frame.html")
    with force_locale(LOCALES[spoken(site, locale)]):
        parts = template.make_module({})
        return Frame(
            header=str(parts.header(site, logo, path)),  # type: ignore[attr-defined]
            footer=str(parts.footer(site, "", _others(locale, languages))),  # type: ignore[attr-defined]
        )


def _others(locale: str, languages: Sequence[tuple[str, str]]) -> list[tuple[str, str, str]]:
    """Return the other languages of a page: locale, name in that language, path."""
    return [(each, name_of_locale(each), path) for each, path in languages if each != locale]


def name_of_locale(code: str, language: str | None = None) -> str:
    """Return the name of a locale in `language`, otherwise in its own; the code if unknown."""
    try:
        known = Locale.parse(code, sep="-")
    except (UnknownLocaleError, ValueError):
        return code
    # Without its territory in its own language: people look for "English", not for a country.
    name = known.get_display_name(language) if language else known.get_language_name()
    return name or code


def spoken(site: Site, locale: str) -> str:
    """Return the language of Avenue's own texts on a page in `locale`: that, or the site's."""
    wanted = (locale.partition("-")[0], site.language)
    return next((each for each in wanted if each in LANGUAGES), LANGUAGES[0])


def networks_of(site: Site) -> list[tuple[str, str]]:
    """Return title and address of each network where the site has a profile."""
    return [
        (network.title, site.contact[name])
        for name, network in NETWORKS.items()
        if name in site.contact
    ]


def dialled(phone: str) -> str:
    """Return a telephone number as a `tel:` address (RFC 3966)."""
    return ("+" if phone.startswith("+") else "") + digits(phone)

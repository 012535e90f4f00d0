"""What stands above and below the public pages of a site: header, menu, footer.

Templates import `site_frame.html`; a page that is no template gets the same as text from `frame`.
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
    """A site's logo as its header shows it; `srcset` is "" where it comes in one size."""

    src: str
    srcset: str = ""
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True, slots=True)
class Logos:
    """What knows the logo of a site; None where it has none that everybody may see."""

    of: Callable[[Site], Logo | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The HTML that stands before and after what a page says."""

    header: str
    footer: str


def install(app: Flask) -> None:
    """Give templates what the header and the footer need."""
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

    `languages` are the locales the page is in, with the path of each.
    """
    template = current_app.jinja_env.get_template("site_frame.html")
    with force_locale(LOCALES[spoken(site, locale)]):
        parts = template.make_module({})
        return Frame(
            header=str(parts.header(site, logo, path)),  # type: ignore[attr-defined]
            footer=str(parts.footer(site, "", _others(locale, languages))),  # type: ignore[attr-defined]
        )


def _others(locale: str, languages: Sequence[tuple[str, str]]) -> list[tuple[str, str, str]]:
    """Return the other languages of a page: the locale, what its own readers call it, the path."""
    return [(each, name_of_locale(each), path) for each, path in languages if each != locale]


def name_of_locale(code: str, language: str | None = None) -> str:
    """Return what a locale is called in `language`, else in its own; of an unknown one the code."""
    try:
        known = Locale.parse(code, sep="-")
    except (UnknownLocaleError, ValueError):
        return code
    # Without its territory in its own: people look for "English", not for a country.
    name = known.get_display_name(language) if language else known.get_language_name()
    return name or code


def spoken(site: Site, locale: str) -> str:
    """Return the language of Avenue's own words on a page in `locale`: that, or the site's."""
    wanted = (locale.partition("-")[0], site.language)
    return next((each for each in wanted if each in LANGUAGES), LANGUAGES[0])


def networks_of(site: Site) -> list[tuple[str, str]]:
    """Return the title of each network where the site has a profile, and its address."""
    return [
        (network.title, site.contact[name])
        for name, network in NETWORKS.items()
        if name in site.contact
    ]


def dialled(phone: str) -> str:
    """Return a telephone number as a `tel:` address has it (RFC 3966)."""
    return ("+" if phone.startswith("+") else "") + digits(phone)

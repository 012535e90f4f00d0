"""Chooses the language of an answer, and provides its texts.

Texts in the code and in templates are English, in `_()`. The Spanish ones are in a file
`translations/es.po` of each package, read when first needed: nothing has to be compiled.
"""

from functools import cache
from io import BytesIO
from pathlib import Path

import flask_babel
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import Flask, g, request
from flask_babel import Babel, Domain, LazyString, get_locale

from avenue.web.cache_policy import uses_site_language

LANGUAGES = ("es", "en")
"""The first is the default for a site without a language."""

COOKIE = "avenue_language"
LOCALES = {"es": "es_PY", "en": "en"}
"""How numbers, prices and dates are written in each language."""

PACKAGES = Path(__file__).parent.parent


def language() -> str:
    """Return the chosen language, otherwise the browser's, the site's, or Spanish.

    Pages in shared caches ignore the browser's. A program that asks for no language, or for any
    (`*`), gets the site's.
    """
    chosen = request.cookies.get(COOKIE)
    if chosen in LANGUAGES:
        return chosen
    site = g.get("site")
    fallback = site.language if site and site.language in LANGUAGES else LANGUAGES[0]
    if uses_site_language():
        return fallback
    # Not `best_match`: it prefers an `es;q=0.5` to an `en-US`.
    asked = sorted(request.accept_languages, key=lambda each: -each[1])
    known = (tag.partition("-")[0].lower() for tag, quality in asked if quality > 0)
    return next((each for each in known if each in LANGUAGES), fallback)


def gettext(text: str, **facts: object) -> str:
    """Return `text` in the language of the request, with `facts` filled in for `%(name)s`."""
    return str(flask_babel.gettext(text, **facts))


def ngettext(one: str, many: str, num: int, **facts: object) -> str:
    """Return the text for `num` items, which is `%(num)s`, in the language of the request."""
    return str(flask_babel.ngettext(one, many, num, **facts))


def lazy_gettext(text: str, **facts: object) -> LazyString:
    """Return a text that is translated when it is used: for tables of texts."""
    return flask_babel.lazy_gettext(text, **facts)


def in_every_language(text: LazyString) -> list[str]:
    """Return the translations of `text` in each of `LANGUAGES`."""
    found = []
    for each in LANGUAGES:
        with flask_babel.force_locale(LOCALES[each]):
            found.append(str(text))
    return found


def install(app: Flask) -> None:
    """Set up `_()` and the filters for numbers and dates in the language of the request."""
    babel = Babel(app, locale_selector=_locale, timezone_selector=_timezone)
    babel.domain_instance = _Words()


@cache
def catalogue(language: str) -> NullTranslations:
    """Return the texts of `language` from all packages; for English, which the code is in, none."""
    found = Translations()
    for path in sorted(PACKAGES.glob(f"*/translations/{language}.po")):
        with path.open("rb") as file:
            room = read_po(file, locale=language)
        compiled = BytesIO()
        write_mo(compiled, room)
        compiled.seek(0)
        found.add(Translations(compiled))
    return found


class _Words(Domain):  # type: ignore[misc]
    """The translations, in the form that Flask-Babel requires."""

    def get_translations(self) -> NullTranslations:
        locale = get_locale()
        return catalogue(locale.language) if locale else NullTranslations()


def _locale() -> str:
    return LOCALES[language()]


def _timezone() -> str:
    """Return the time zone of the site, derived from its locale."""
    site = g.get("site")
    return "America/Asuncion" if site and site.locale == "es-PY" else "UTC"

"""Which language a person is answered in, and the words of that language.

Texts in the code and in templates are English and stand in `_()`. The Spanish ones are in a file
`translations/es.po` of each room, read when first needed: nothing has to be compiled.
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
"""The first is the one of a site that says nothing else."""

COOKIE = "avenue_language"
LOCALES = {"es": "es_PY", "en": "en"}
"""How numbers, prices and dates are written in each language."""

ROOMS = Path(__file__).parent.parent


def language() -> str:
    """Return the language a person has chosen, else the browser's, the site's, or Spanish.

    A page that a shared cache may keep does not go by the browser.
    A program that asks for none, or for any (`*`), is answered in the site's, as its people are.
    """
    chosen = request.cookies.get(COOKIE)
    if chosen in LANGUAGES:
        return chosen
    site = g.get("site")
    fallback = site.language if site and site.language in LANGUAGES else LANGUAGES[0]
    if uses_site_language():
        return fallback
    # Not `best_match`: to it an `es;q=0.5` is nearer than an `en-US`.
    asked = sorted(request.accept_languages, key=lambda each: -each[1])
    known = (tag.partition("-")[0].lower() for tag, quality in asked if quality > 0)
    return next((each for each in known if each in LANGUAGES), fallback)


def gettext(text: str, **facts: object) -> str:
    """Return `text` in the language of the request, `%(name)s` of `facts` put in."""
    return str(flask_babel.gettext(text, **facts))


def ngettext(one: str, many: str, num: int, **facts: object) -> str:
    """Return the text for `num` things, which is `%(num)s`, in the language of the request."""
    return str(flask_babel.ngettext(one, many, num, **facts))


def lazy_gettext(text: str, **facts: object) -> LazyString:
    """Return what becomes `gettext(text)` whenever it is written: for tables of texts."""
    return flask_babel.lazy_gettext(text, **facts)


def in_every_language(text: LazyString) -> list[str]:
    """Return what `text` is in each of `LANGUAGES`."""
    found = []
    for each in LANGUAGES:
        with flask_babel.force_locale(LOCALES[each]):
            found.append(str(text))
    return found


def install(app: Flask) -> None:
    """Let `_()` and the filters for numbers and dates speak the language of the request."""
    babel = Babel(app, locale_selector=_locale, timezone_selector=_timezone)
    babel.domain_instance = _Words()


@cache
def catalogue(language: str) -> NullTranslations:
    """Return the texts of `language` from all rooms; of English, which the code is in, none."""
    found = Translations()
    for path in sorted(ROOMS.glob(f"*/translations/{language}.po")):
        with path.open("rb") as file:
            room = read_po(file, locale=language)
        compiled = BytesIO()
        write_mo(compiled, room)
        compiled.seek(0)
        found.add(Translations(compiled))
    return found


class _Words(Domain):  # type: ignore[misc]
    """Where Flask-Babel looks texts up."""

    def get_translations(self) -> NullTranslations:
        locale = get_locale()
        return catalogue(locale.language) if locale else NullTranslations()


def _locale() -> str:
    return LOCALES[language()]


def _timezone() -> str:
    """Return where the site's people are, as far as its locale tells."""
    site = g.get("site")
    return "America/Asuncion" if site and site.locale == "es-PY" else "UTC"

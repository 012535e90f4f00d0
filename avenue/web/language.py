"""Which language a person is answered in."""

from flask import g, request

LANGUAGES = ("es", "en")


def language() -> str:
    """Return the language the browser asks for, else the site's, else Spanish."""
    site = g.get("site")
    fallback = site.language if site and site.language in LANGUAGES else LANGUAGES[0]
    return request.accept_languages.best_match(LANGUAGES, default=fallback) or fallback

"""`/admin/settings`: the settings of a site, and its limits."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, request
from flask_babel import LazyString, format_decimal
from pydantic import ValidationError

from avenue.accounts.pages.words import ROLES
from avenue.config import Settings
from avenue.errors import AvenueError, filled
from avenue.identity import DEFAULT_SITE, Actor, Limit, Role, Site
from avenue.media.intake.library import MediaLibrary
from avenue.media.intake.receiving import note_upload, received
from avenue.media.pictures.variants import MOST_SIZES
from avenue.media.presenting import image_json
from avenue.sites import forms
from avenue.sites.bodies import SiteChanges
from avenue.sites.contrast import PAIRS, USUAL, Pair, too_weak
from avenue.sites.errors import LogoNotFound, RevisionConflict
from avenue.sites.service import LogoService, SiteService
from avenue.theme import MOST_LINKS, NETWORKS, Corners, Font, Scheme, Size
from avenue.web.audit import audited, note, nothing_changed
from avenue.web.auth import current_actor, require
from avenue.web.cache_policy import SECONDS, Kind
from avenue.web.language import gettext as _, lazy_gettext
from avenue.web.limits import upload_route
from avenue.web.pages import Entry, Group, page, see
from avenue.web.services import using

PATH = "/admin/settings"
LONGEST_TYPED = 10_000
OUR_FAULT = 500

NAVIGATION = (
    Entry(
        path=PATH,
        title=lazy_gettext("Settings"),
        icon="settings",
        group=Group.SYSTEM,
        roles=(Role.ADMIN,),
    ),
)

SAID = {
    "saved": lazy_gettext("Saved. Everyone sees it within a few seconds."),
    "unchanged": lazy_gettext("Nothing changed."),
    "logo": lazy_gettext("Logo saved."),
    "logo-removed": lazy_gettext("Logo moved to the trash."),
}
LOCALES = {
    "es-PY": lazy_gettext("Spanish (Paraguay)"),
    "es": lazy_gettext("Spanish"),
    "en": lazy_gettext("English"),
}
COLORS = {
    "primary": (lazy_gettext("Main colour"), lazy_gettext("The bar at the top.")),
    "accent": (
        lazy_gettext("Secondary colour"),
        lazy_gettext("Buttons, links and prices. Leave empty for the main colour."),
    ),
    "background": (lazy_gettext("Background"), lazy_gettext("Behind all content.")),
    "text": (lazy_gettext("Text"), lazy_gettext("The text people read.")),
}
SIZES = {
    Size.SMALL: lazy_gettext("Small"),
    Size.MEDIUM: lazy_gettext("Medium"),
    Size.LARGE: lazy_gettext("Large"),
}
FONTS = {
    Font.SYSTEM: lazy_gettext("System font"),
    Font.FIGTREE: "Figtree",
    Font.INTER: "Inter",
    Font.SOURCE_SERIF: "Source Serif 4",
}
THEME = {
    "headings": (lazy_gettext("Heading font"), "", FONTS),
    "text": (
        lazy_gettext("Text font"),
        lazy_gettext("The system font needs no download; each of the others is 20 to 50 kB, once."),
        FONTS,
    ),
    "size": (lazy_gettext("Text size"), "", SIZES),
    "spacing": (lazy_gettext("Spacing"), "", SIZES),
    "measure": (lazy_gettext("Line width"), "", SIZES),
    "buttons": (
        lazy_gettext("Button corners"),
        "",
        {
            Corners.SQUARE: lazy_gettext("Square"),
            Corners.ROUNDED: lazy_gettext("Rounded"),
            Corners.PILL: lazy_gettext("Fully round"),
        },
    ),
    "scheme": (
        lazy_gettext("Light or dark"),
        lazy_gettext("Everyone can choose another one in the store."),
        {
            Scheme.LIGHT: lazy_gettext("Light"),
            Scheme.DARK: lazy_gettext("Dark"),
            Scheme.AUTO: lazy_gettext("Match the reader's device"),
        },
    ),
}
"""Title, note and choices of each field of a theme."""
LIMITS = {
    Limit.IMAGES_PER_PRODUCT: lazy_gettext("Photos per product"),
    Limit.PRODUCT_IMAGE_MB: lazy_gettext("Size of a product photo, in MB"),
    Limit.MEDIA_MB: lazy_gettext("Size of a page image, in MB"),
    Limit.UPLOAD_MB: lazy_gettext("Size of one whole upload, in MB"),
}
EDGE = {
    Kind.HOME: lazy_gettext("Home page"),
    Kind.LISTS: lazy_gettext("Lists and categories"),
    Kind.PRODUCTS: lazy_gettext("Products and groups"),
    Kind.PAGES: lazy_gettext("Published pages"),
    Kind.MENU_PAGES: lazy_gettext("Pages in the menu"),
    Kind.LEGAL_PAGES: lazy_gettext("Legal pages"),
    Kind.SITEMAP: lazy_gettext("Sitemap"),
}
WEAK = {
    "text": lazy_gettext(
        "The text is hard to read on this background: the contrast is %(ratio)s, the "
        "minimum is %(least)s."
    ),
    "accent": lazy_gettext(
        "Links are hard to read on this background: the contrast is %(ratio)s, the minimum "
        "is %(least)s."
    ),
    "primary": lazy_gettext(
        "Buttons are hard to see on this background: the contrast is %(ratio)s, the "
        "minimum is %(least)s."
    ),
}


@dataclass(frozen=True, slots=True)
class MenuTargets:
    """What others show to visitors: `of` returns paths that a menu can lead to, and their names."""

    of: Callable[[Actor], Sequence[tuple[str, str]]]


blueprint = Blueprint("site_pages", __name__, url_prefix=PATH, template_folder="templates")


@blueprint.get("")
@require(Role.ADMIN)
def show_settings() -> Response:
    """Show the settings of the site as a form."""
    said = SAID.get(request.args.get("said", ""))
    return _settings(using(SiteService).get(current_actor()), said=said)


@blueprint.post("")
@require(Role.ADMIN)
@audited("site.changed")
def save_settings() -> Response:
    """Save changed fields; errors are shown beside their field."""
    actor, sites = current_actor(), using(SiteService)
    site = sites.get(actor)
    typed = _typed(_fields_for(actor))
    changes = forms.changes_of(typed, _known(site))
    if not changes:
        nothing_changed()
        return see(f"{PATH}?said=unchanged")
    try:
        checked = forms.checked(SiteChanges, changes)
        sites.change(actor, checked, _revision())
    except RevisionConflict:
        return _settings(sites.get(actor), typed, conflict=True, status=409)
    except (ValidationError, AvenueError) as error:
        if isinstance(error, AvenueError) and error.status >= OUR_FAULT:
            raise
        return _settings(
            site, typed, wrong=_problem_texts(forms.mistakes(error, changes)), status=400
        )
    note(object_id=actor.site.id, fields=sorted(changes))
    return see(f"{PATH}?said=saved")


@blueprint.post("/logo")
@require(Role.ADMIN)
@upload_route
@audited("site.logo_changed")
def save_logo() -> Response:
    """Make the uploaded picture the logo."""
    actor, logos = current_actor(), using(LogoService)
    try:
        upload_result = logos.set(actor, received(logos.policy(actor)), key=None)
    except AvenueError as error:
        if error.status >= OUR_FAULT:
            raise
        told = " ".join(error.said(_))
        site = using(SiteService).get(actor)
        return _settings(site, wrong={"logo": told}, status=error.status)
    note(object_id=actor.site.id)
    note_upload(upload_result)
    return see(f"{PATH}?said=logo#logo")


@blueprint.post("/logo/remove")
@require(Role.ADMIN)
@audited("site.logo_removed")
def remove_logo() -> Response:
    """Move the logo to the trash."""
    actor = current_actor()
    try:
        using(LogoService).remove(actor)
    except LogoNotFound:  # removed by another request
        nothing_changed()
    note(object_id=actor.site.id)
    return see(f"{PATH}?said=logo-removed#logo")


def _settings(
    site: Site,
    typed: Mapping[str, str] | None = None,
    *,
    wrong: Mapping[str, str] | None = None,
    conflict: bool = False,
    said: LazyString | None = None,
    status: int = 200,
) -> Response:
    """Show the form with the values of `site`, or as `typed` with the errors in `wrong`.

    With `conflict`, a value that someone else has saved meanwhile is shown beside the typed one.
    """
    actor, known = current_actor(), _known(site)
    shown = {**known, **(typed or {})}
    others = {name: each for name, each in known.items() if conflict and each != shown[name]}
    logo = using(LogoService).of(actor, site)
    return page(
        "sites/settings.html",
        status=status,
        shown=shown,
        others=others,
        wrong=wrong or {},
        conflict=conflict,
        problem=_problem(wrong, conflict=conflict),
        said=said,
        revision=site.revision,
        logo=image_json(site, logo) if logo else None,
        logo_bytes=using(LogoService).policy(actor).max_bytes,
        locales={**LOCALES, **({} if site.locale in LOCALES else {site.locale: site.locale})},
        colors=COLORS,
        usual=USUAL,
        weak=[_weak(pair, measured) for pair, measured in too_weak(_valid_colors(shown))],
        roles={role.value: title for role, (title, _about) in ROLES.items()},
        deployment_roles=using(Settings).second_factor_roles,
        limits=LIMITS,
        edge=EDGE,
        most_sizes=MOST_SIZES,
        edge_usual=SECONDS,
        theme_choices=THEME,
        targets=[("/", _("Store")), *using(MenuTargets).of(actor)],
        networks={name: each.title for name, each in NETWORKS.items()},
        most=using(SiteService).most(),
        room=_room(site),
        own=using(MediaLibrary).used_by(actor),
        deployment_url=using(Settings).base_url if site.id == DEFAULT_SITE else "",
        site_hosts=site.hosts,
        texts={
            "pairs": [[pair.front, pair.behind, pair.least] for pair in PAIRS],
            **{
                f"weak_{name}": str(text) % {"ratio": "{ratio}", "least": "{least}"}
                for name, text in WEAK.items()
            },
            "usual": USUAL,
            "pick": _("Pick a colour"),
            "sending": _("Uploading the logo…"),
            "sent": str(SAID["logo"]),
            "failed": _("The connection was lost. Try again."),
            "link_label": _("Link text"),
            "link_to": _("Destination"),
            "link_note": _(
                "Choose a page or a category from the list, or type a path of this site or an "
                "address that begins with https://, mailto: or tel:."
            ),
            "link_up": _("Move up"),
            "link_down": _("Move down"),
            "link_remove": _("Remove"),
            "link_add": _("Add a link"),
            "link_moved": _("“{label}” is now number {place} of {count}."),
            "link_removed": _("“{label}” removed."),
            "most_links": MOST_LINKS,
            "one": _("A site can have only one logo: drop one file."),
        },
    )


def _problem(wrong: Mapping[str, str] | None, *, conflict: bool) -> str:
    if conflict:
        return _(
            "Someone else changed the settings in the meantime, so nothing was saved. The "
            "current value is shown beside each field that differs; save again to keep "
            "yours."
        )
    if not wrong or "logo" in wrong:
        return ""
    return wrong.get("") or _("Nothing was saved yet: check the fields marked below.")


def _problem_texts(problems: Mapping[str, forms.Problem]) -> dict[str, str]:
    return {field: filled(text, words, _) for field, (text, words) in problems.items()}


def _weak(pair: Pair, measured: float) -> str:
    numbers = {"ratio": format_decimal(round(measured, 1)), "least": format_decimal(pair.least)}
    return str(WEAK[pair.front]) % numbers


def _valid_colors(shown: Mapping[str, str]) -> dict[str, str]:
    """Return the valid colours of a form, by name."""
    given = {name: shown[f"colors.{name}"] for name in COLORS if shown[f"colors.{name}"]}
    try:
        return {name: str(each) for name, each in forms.checked_colors(given).items()}
    except ValidationError:
        return {}


def _room(site: Site) -> dict[str, Any]:
    """Return the site's usage, its quota, and the percentage; a quota of 0 is none."""
    used = using(MediaLibrary).used(current_actor())
    allowed = using(SiteService).quotas(site)[0]
    shares = [
        100 * part // most
        for part, most in ((used.bytes, allowed.bytes), (used.files, allowed.files))
        if most
    ]
    return {"used": used, "allowed": allowed, "percent": max(shares, default=0)}


def _known(site: Site) -> dict[str, str]:
    deployment_url = using(Settings).base_url if site.id == DEFAULT_SITE else ""
    return forms.as_typed(site, deployment_url)


def _fields_for(actor: Actor) -> Iterable[str]:
    return (*forms.OWN, *(forms.OF_THE_DEPLOYMENT if actor.superuser else ()))


def _typed(fields: Iterable[str]) -> dict[str, str]:
    """Return the values of `fields` in the form; missing ones are left out."""
    typed = {
        name: request.form[name][:LONGEST_TYPED].replace("\r\n", "\n")
        for name in fields
        if name in request.form
    }
    if forms.ROLES in typed:
        ticked = request.form.getlist(forms.ROLES)
        typed[forms.ROLES] = ",".join(sorted(role for role in Role if role in ticked))
    if forms.STATUS in typed:  # with the box ticked, it is there twice
        typed[forms.STATUS] = request.form.getlist(forms.STATUS)[-1]
    return typed


def _revision() -> int:
    """Return the revision on which the form is based; an invalid one matches none."""
    text = request.form.get("revision", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1  # noqa: PLR2004

"""Texts of audit entries: what was done, by whom, and details."""

from collections.abc import Iterator, Mapping, Sequence

from avenue.audit.models import Doer, DoerKind, Entry
from avenue.web.language import gettext as _, lazy_gettext, ngettext

ACTIONS = {
    "addresses.mended": lazy_gettext("made records point to their files instead of addresses"),
    "alert.acknowledged": lazy_gettext("acknowledged an alert"),
    "alert.browser_added": lazy_gettext("subscribed a browser to alerts"),
    "alert.browser_removed": lazy_gettext("unsubscribed a browser from alerts"),
    "alert.channel_tested": lazy_gettext("sent a test to an alert recipient"),
    "alert.channels_changed": lazy_gettext("chose who gets which alerts"),
    "alert.channels_reset": lazy_gettext("restored the default alert recipients"),
    "alert.person_added": lazy_gettext("added a person to the alerts"),
    "alert.tested": lazy_gettext("sent a test alert"),
    "alert.webhook_removed": lazy_gettext("removed the alert webhook"),
    "alert.webhook_set": lazy_gettext("set the alert webhook"),
    "backup.returned": lazy_gettext("restored something from a backup"),
    "external.begun": lazy_gettext("requested an import of photos from other servers"),
    "file.added": lazy_gettext("added a file to the media library"),
    "file.removed": lazy_gettext("removed a file from the media library"),
    "database.adopted": lazy_gettext("imported the database of an earlier application"),
    "folder.imported": lazy_gettext("imported the files of a folder"),
    "fsck.begun": lazy_gettext("requested a byte-by-byte check of everything"),
    "fsck.finished": lazy_gettext("checked everything byte by byte"),
    "group.changed": lazy_gettext("changed a group"),
    "group.created": lazy_gettext("created a group"),
    "group.deleted": lazy_gettext("deleted a group"),
    "group.image_described": lazy_gettext("described a photo of a group"),
    "group.image_removed": lazy_gettext("removed a photo from a group"),
    "group.image_replaced": lazy_gettext("replaced a photo of a group"),
    "group.image_restored": lazy_gettext("restored a photo of a group"),
    "group.image_version_restored": lazy_gettext("restored an earlier photo of a group"),
    "group.images_added": lazy_gettext("added photos to a group"),
    "group.images_ordered": lazy_gettext("reordered the photos of a group"),
    "import.begun": lazy_gettext("started a product import"),
    "import.columns_named": lazy_gettext("changed the import column names"),
    "import.finished": lazy_gettext("finished a product import"),
    "import.undo_begun": lazy_gettext("started to undo a product import"),
    "import.undone": lazy_gettext("undid a product import"),
    "job.cancelled": lazy_gettext("cancelled a background job"),
    "job.begun": lazy_gettext("started a background job"),
    "error.reopened": lazy_gettext("marked an error as unresolved"),
    "error.resolved": lazy_gettext("marked an error as resolved"),
    "job.paused": lazy_gettext("paused a background job"),
    "job.resumed": lazy_gettext("resumed a background job"),
    "inspection.begun": lazy_gettext("requested a check of everything"),
    "page.changed": lazy_gettext("changed a page"),
    "page.created": lazy_gettext("created a page"),
    "page.deleted": lazy_gettext("deleted a page"),
    "page.published": lazy_gettext("published a page"),
    "page.scheduled": lazy_gettext("scheduled a page for publishing"),
    "page.unscheduled": lazy_gettext("cancelled the scheduled publishing of a page"),
    "page.not_published": lazy_gettext("could not publish a page at its scheduled time"),
    "page.preview_shared": lazy_gettext("shared a preview of a page"),
    "page.restored": lazy_gettext("restored an earlier version of a page"),
    "page.unpublished": lazy_gettext("unpublished a page"),
    "media.added": lazy_gettext("added images to the media library"),
    "media.changed": lazy_gettext("changed an image in the media library"),
    "media.moved": lazy_gettext("moved an image in the media library"),
    "media.removed": lazy_gettext("removed an image from the media library"),
    "media.replaced": lazy_gettext("replaced an image in the media library"),
    "media.restored": lazy_gettext("restored an image in the media library"),
    "media.suggested": lazy_gettext("requested an alt text suggestion"),
    "media.tagged": lazy_gettext("tagged an image in the media library"),
    "media.version_restored": lazy_gettext("restored a version of an image"),
    "media.zip_made": lazy_gettext("downloaded media library images as a ZIP"),
    "media_folder.changed": lazy_gettext("changed a folder in the media library"),
    "media_folder.created": lazy_gettext("created a folder in the media library"),
    "media_folder.deleted": lazy_gettext("deleted a folder in the media library"),
    "picture_import.assigned": lazy_gettext("assigned files of a photo import to products"),
    "picture_import.begun": lazy_gettext("started a photo import"),
    "picture_import.finished": lazy_gettext("finished a photo import"),
    "picture_import.planned": lazy_gettext("prepared a photo import"),
    "product.changed": lazy_gettext("changed a product"),
    "product.created": lazy_gettext("created a product"),
    "product.deleted": lazy_gettext("deleted a product"),
    "product.image_described": lazy_gettext("described a photo of a product"),
    "product.image_removed": lazy_gettext("removed a photo from a product"),
    "product.image_replaced": lazy_gettext("replaced a photo of a product"),
    "product.image_restored": lazy_gettext("restored a photo of a product"),
    "product.image_version_restored": lazy_gettext("restored an earlier photo of a product"),
    "product.images_added": lazy_gettext("added photos to a product"),
    "product.images_ordered": lazy_gettext("reordered the photos of a product"),
    "product.restored": lazy_gettext("restored a product"),
    "products.changed": lazy_gettext("changed several products"),
    "quarantine.entered": lazy_gettext("quarantined a file"),
    "quarantine.released": lazy_gettext("released a file from quarantine"),
    "samples.loaded": lazy_gettext("loaded the sample products"),
    "samples.removed": lazy_gettext("removed the sample products"),
    "samples.wanted": lazy_gettext("requested the sample products"),
    "site.added": lazy_gettext("added a site"),
    "site.changed": lazy_gettext("changed the settings"),
    "site.cloned": lazy_gettext("cloned a site"),
    "site.deleted": lazy_gettext("permanently deleted a removed site"),
    "site.exported": lazy_gettext("exported products, media, uploads or pages as files"),
    "site.links_revoked": lazy_gettext("revoked all links to private files"),
    "session.ended": lazy_gettext("ended a session"),
    "site.links_rotated": lazy_gettext("changed the key for links to private files"),
    "site.logo_changed": lazy_gettext("changed the logo"),
    "site.logo_removed": lazy_gettext("removed the logo"),
    "site.removed": lazy_gettext("removed a site"),
    "site.moved": lazy_gettext("moved a site to another cluster"),
    "site.move_undone": lazy_gettext("undid the move of a site to another cluster"),
    "site.reopened": lazy_gettext("restored a removed site"),
    "temp_image.added": lazy_gettext("uploaded a temporary photo"),
    "temp_image.removed": lazy_gettext("removed a temporary photo"),
    "ticket.made": lazy_gettext("created an upload ticket"),
    "token.created": lazy_gettext("created an API token"),
    "token.revoked": lazy_gettext("revoked an API token"),
    "upload.added": lazy_gettext("uploaded files"),
    "upload.cancelled": lazy_gettext("cancelled an upload"),
    "upload.changed": lazy_gettext("changed an uploaded file"),
    "upload.expired": lazy_gettext("moved an expired file to the trash"),
    "upload.link_made": lazy_gettext("created a link to a private file"),
    "upload.links_made": lazy_gettext("created links to private files"),
    "upload.links_revoked": lazy_gettext("revoked the links to a private file"),
    "upload.removed": lazy_gettext("removed an uploaded file"),
    "upload.restored": lazy_gettext("restored an uploaded file"),
    "uploads.expired": lazy_gettext("moved expired files to the trash"),
    "source.imported": lazy_gettext("imported the files of another service"),
    "upload.zip_made": lazy_gettext("downloaded uploaded files as a ZIP"),
    "user.added": lazy_gettext("added a person"),
    "user.disabled": lazy_gettext("disabled an account"),
    "user.enabled": lazy_gettext("re-enabled an account"),
    "user.letter_sent": lazy_gettext("sent an email"),
    "user.link_asked": lazy_gettext("requested a password reset link"),
    "user.passkey_added": lazy_gettext("added a passkey"),
    "user.passkey_removed": lazy_gettext("removed a passkey"),
    "user.password_changed": lazy_gettext("changed a password"),
    "user.reset_started": lazy_gettext("created a password reset link"),
    "user.role_changed": lazy_gettext("changed someone's role"),
    "user.role_taken": lazy_gettext("removed someone's role"),
    "user.recovery_codes_made": lazy_gettext("created new recovery codes"),
    "user.second_factor_off": lazy_gettext("turned off their second factor"),
    "user.second_factor_on": lazy_gettext("set up a second factor"),
    "user.second_factor_reset": lazy_gettext("reset someone's second factor"),
    "user.linked": lazy_gettext("linked an account to the identity provider"),
    "user.unlinked": lazy_gettext("unlinked an account from the identity provider"),
    "user.signed_in": lazy_gettext("signed in"),
    "user.signed_out": lazy_gettext("signed out"),
    "user.signed_out_everywhere": lazy_gettext("signed out everywhere"),
    "webhooks.retried": lazy_gettext("resent webhooks that were given up"),
}
"""The text of each action, after the name of the actor. Obsolete actions stay: old entries contain
them."""

DETAILS = {
    "alt": lazy_gettext("alt text"),
    "asset_id": lazy_gettext("photo"),
    "base_url": lazy_gettext("address"),
    "by": lazy_gettext("for"),
    "category": lazy_gettext("category"),
    "colors": lazy_gettext("colours"),
    "created": lazy_gettext("created"),
    "currency": lazy_gettext("currency"),
    "days": lazy_gettext("days"),
    "decorative": lazy_gettext("decorative"),
    "deleted": lazy_gettext("deleted"),
    "description": lazy_gettext("description"),
    "documents": lazy_gettext("records"),
    "duplicate": lazy_gettext("already there"),
    "events": lazy_gettext("webhooks"),
    "expired": lazy_gettext("expired"),
    "focal": lazy_gettext("focal point"),
    "found": lazy_gettext("found"),
    "folder": lazy_gettext("folder"),
    "force": lazy_gettext("removed from where it was used"),
    "gone": lazy_gettext("no longer there"),
    "group": lazy_gettext("group"),
    "hold": lazy_gettext("lock"),
    "hosts": lazy_gettext("hosts"),
    "kept": lazy_gettext("kept as is"),
    "kind": lazy_gettext("type"),
    "left": lazy_gettext("not repaired"),
    "limits": lazy_gettext("limits"),
    "locale": lazy_gettext("language"),
    "mended": lazy_gettext("repaired"),
    "model": lazy_gettext("model"),
    "name": lazy_gettext("name"),
    "number": lazy_gettext("version"),
    "options": lazy_gettext("options"),
    "price": lazy_gettext("price"),
    "product_ids": lazy_gettext("products"),
    "reason": lazy_gettext("reason"),
    "reference": lazy_gettext("reference"),
    "refused": lazy_gettext("rejected"),
    "restored": lazy_gettext("restored"),
    "rewritten": lazy_gettext("rewritten"),
    "role": lazy_gettext("role"),
    "scopes": lazy_gettext("scopes"),
    "signature": lazy_gettext("detected"),
    "site": lazy_gettext("site"),
    "sku": lazy_gettext("SKU"),
    "status": lazy_gettext("status"),
    "stored": lazy_gettext("stored"),
    "superuser": lazy_gettext("superuser"),
    "tags": lazy_gettext("tags"),
    "ticket_id": lazy_gettext("ticket"),
    "token": lazy_gettext("token"),
    "unchanged": lazy_gettext("unchanged"),
    "until": lazy_gettext("until"),
    "upload_categories": lazy_gettext("upload categories"),
    "updated": lazy_gettext("changed"),
    "user": lazy_gettext("person"),
    "variant": lazy_gettext("size"),
    "version": lazy_gettext("version"),
}
"""Names of details and of changed fields; unknown ones are shown as they are."""

FILES = "files"
"""The name of `assets` where they need not be photos."""

JOBS = {
    "product_import": lazy_gettext("Background job: product import"),
    "fsck": lazy_gettext("Background job: full check"),
    "import": lazy_gettext("Background job: product import"),
    "mail": lazy_gettext("Background job: emails"),
    "scan": lazy_gettext("Background job: scanner"),
    "pictures_by_sku": lazy_gettext("Background job: photo import"),
    "samples": lazy_gettext("Background job: sample products"),
    "sweep": lazy_gettext("Background job: cleanup"),
    "product_import_undo": lazy_gettext("Background job: undo import"),
}


def action_words(action: str) -> str:
    """Return the text of an action."""
    return str(ACTIONS.get(action, action))


def doer_words(doer: Doer) -> str:
    """Return the name of an actor."""
    match doer.kind:
        case DoerKind.PERSON:
            return doer.name or _("Someone not signed in")
        case DoerKind.COMMAND:
            return _("Command: %(words)s", words=doer.name)
        case DoerKind.JOB:
            return str(JOBS.get(doer.name) or _("Background job: %(kind)s", kind=doer.name))


def details_words(entry: Entry) -> list[str]:
    """Return the details of an entry as short texts; zeros are left out."""
    of_files = entry.action.startswith("upload.")
    told = (
        (FILES if name == "assets" and of_files else name, value)
        for name, value in entry.details.items()
    )
    return [words for name, value in told for words in _detail(name, value)]


def _detail(name: str, value: str | int | bool | Sequence[str]) -> Iterator[str]:
    if name == "fields" and not isinstance(value, str | int):
        yield _("Fields: %(names)s", names=", ".join(map(_name, value)))
    elif name == "assets" and not isinstance(value, str | int):
        yield ngettext("%(num)s photo", "%(num)s photos", len(value))
    elif name == FILES and not isinstance(value, str | int):
        yield ngettext("%(num)s file", "%(num)s files", len(value))
    elif isinstance(value, bool):
        yield _("%(name)s: yes", name=_name(name)) if value else _("%(name)s: no", name=_name(name))
    elif isinstance(value, int):
        if value:
            yield f"{_name(name)}: {value}"
    elif value:
        yield f"{_name(name)}: {value if isinstance(value, str) else ', '.join(value)}"


def _name(name: str) -> str:
    return str(DETAILS.get(name, name))


def choices() -> Mapping[str, str]:
    """Return all actions with their texts, ordered by text."""
    said = {action: str(words) for action, words in ACTIONS.items()}
    return dict(sorted(said.items(), key=lambda each: each[1].casefold()))

"""Entries of the log of changes as people read them: what was done, by whom, what belongs to it."""

from collections.abc import Iterator, Mapping, Sequence

from avenue.audit.models import Doer, DoerKind, Entry
from avenue.web.language import gettext as _
from avenue.web.language import lazy_gettext, ngettext

ACTIONS = {
    "addresses.mended": lazy_gettext("let records name their files instead of addresses"),
    "alert.acknowledged": lazy_gettext("noted an alert as seen"),
    "alert.browser_added": lazy_gettext("had a browser told of alerts"),
    "alert.browser_removed": lazy_gettext("had a browser told of no more alerts"),
    "alert.channel_tested": lazy_gettext("sent a test to a receiver of alerts"),
    "alert.channels_changed": lazy_gettext("chose who is told of which alerts"),
    "alert.channels_reset": lazy_gettext("restored the default receivers of alerts"),
    "alert.person_added": lazy_gettext("had somebody written to about alerts"),
    "alert.tested": lazy_gettext("sent a test of the alerts"),
    "alert.webhook_removed": lazy_gettext("took the webhook for alerts away"),
    "alert.webhook_set": lazy_gettext("set the webhook for alerts"),
    "backup.returned": lazy_gettext("brought something back from a backup"),
    "external.begun": lazy_gettext("had photos of other servers brought in"),
    "file.added": lazy_gettext("added a file to the media library"),
    "file.removed": lazy_gettext("removed a file of the media library"),
    "database.adopted": lazy_gettext("brought in the database of an earlier application"),
    "folder.imported": lazy_gettext("brought in the files of a folder"),
    "fsck.begun": lazy_gettext("had everything checked byte by byte"),
    "fsck.finished": lazy_gettext("checked everything byte by byte"),
    "group.changed": lazy_gettext("changed a group"),
    "group.created": lazy_gettext("created a group"),
    "group.deleted": lazy_gettext("deleted a group"),
    "group.image_described": lazy_gettext("described a photo of a group"),
    "group.image_removed": lazy_gettext("removed a photo of a group"),
    "group.image_replaced": lazy_gettext("replaced a photo of a group"),
    "group.image_restored": lazy_gettext("restored a photo of a group"),
    "group.image_version_restored": lazy_gettext("showed an earlier photo of a group again"),
    "group.images_added": lazy_gettext("added photos to a group"),
    "group.images_ordered": lazy_gettext("put the photos of a group in order"),
    "import.begun": lazy_gettext("began an import of products"),
    "import.columns_named": lazy_gettext("changed the column names for imports"),
    "import.finished": lazy_gettext("finished an import of products"),
    "import.undo_begun": lazy_gettext("began to undo an import of products"),
    "import.undone": lazy_gettext("undid an import of products"),
    "job.cancelled": lazy_gettext("cancelled background work"),
    "job.begun": lazy_gettext("began background work"),
    "error.reopened": lazy_gettext("noted that an error is not mended"),
    "error.resolved": lazy_gettext("noted an error as mended"),
    "job.paused": lazy_gettext("paused background work"),
    "job.resumed": lazy_gettext("resumed background work"),
    "inspection.begun": lazy_gettext("had everything looked at"),
    "page.changed": lazy_gettext("changed a page"),
    "page.created": lazy_gettext("created a page"),
    "page.deleted": lazy_gettext("deleted a page"),
    "page.published": lazy_gettext("published a page"),
    "page.scheduled": lazy_gettext("had a page published later"),
    "page.unscheduled": lazy_gettext("took back that a page is published later"),
    "page.not_published": lazy_gettext("could not publish a page at its time"),
    "page.preview_shared": lazy_gettext("shared a preview of a page"),
    "page.restored": lazy_gettext("brought a former state of a page back"),
    "page.unpublished": lazy_gettext("took a page back from visitors"),
    "media.added": lazy_gettext("added pictures to the media library"),
    "media.changed": lazy_gettext("changed a picture of the media library"),
    "media.moved": lazy_gettext("moved a picture of the media library"),
    "media.removed": lazy_gettext("removed a picture of the media library"),
    "media.replaced": lazy_gettext("replaced a picture of the media library"),
    "media.restored": lazy_gettext("restored a picture of the media library"),
    "media.suggested": lazy_gettext("asked for a suggestion of an alternative text"),
    "media.tagged": lazy_gettext("tagged a picture of the media library"),
    "media.version_restored": lazy_gettext("brought back a version of a picture"),
    "media.zip_made": lazy_gettext("took pictures of the media library as a ZIP"),
    "media_folder.changed": lazy_gettext("changed a folder of the media library"),
    "media_folder.created": lazy_gettext("made a folder in the media library"),
    "media_folder.deleted": lazy_gettext("deleted a folder of the media library"),
    "picture_import.assigned": lazy_gettext("gave files of an import of photos to products"),
    "picture_import.begun": lazy_gettext("began an import of photos"),
    "picture_import.finished": lazy_gettext("finished an import of photos"),
    "picture_import.planned": lazy_gettext("prepared an import of photos"),
    "product.changed": lazy_gettext("changed a product"),
    "product.created": lazy_gettext("created a product"),
    "product.deleted": lazy_gettext("deleted a product"),
    "product.image_described": lazy_gettext("described a photo of a product"),
    "product.image_removed": lazy_gettext("removed a photo of a product"),
    "product.image_replaced": lazy_gettext("replaced a photo of a product"),
    "product.image_restored": lazy_gettext("restored a photo of a product"),
    "product.image_version_restored": lazy_gettext("showed an earlier photo of a product again"),
    "product.images_added": lazy_gettext("added photos to a product"),
    "product.images_ordered": lazy_gettext("put the photos of a product in order"),
    "product.restored": lazy_gettext("restored a product"),
    "products.changed": lazy_gettext("changed several products"),
    "quarantine.entered": lazy_gettext("put a file into quarantine"),
    "quarantine.released": lazy_gettext("released a file from quarantine"),
    "samples.loaded": lazy_gettext("loaded the sample products"),
    "samples.removed": lazy_gettext("removed the sample products"),
    "samples.wanted": lazy_gettext("asked for the sample products"),
    "site.added": lazy_gettext("added a site"),
    "site.changed": lazy_gettext("changed the settings"),
    "site.cloned": lazy_gettext("made a site out of another one"),
    "site.deleted": lazy_gettext("deleted a removed site for good"),
    "site.exported": lazy_gettext("took products, media, uploads or pages out as files"),
    "site.links_revoked": lazy_gettext("ended all links to private files"),
    "session.ended": lazy_gettext("ended a session"),
    "site.links_rotated": lazy_gettext("changed the key of links to private files"),
    "site.logo_changed": lazy_gettext("changed the logo"),
    "site.logo_removed": lazy_gettext("removed the logo"),
    "site.removed": lazy_gettext("removed a site"),
    "site.moved": lazy_gettext("moved a site to another cluster"),
    "site.move_undone": lazy_gettext("undid the move of a site to another cluster"),
    "site.reopened": lazy_gettext("took a removed site back"),
    "temp_image.added": lazy_gettext("uploaded a temporary photo"),
    "temp_image.removed": lazy_gettext("removed a temporary photo"),
    "ticket.made": lazy_gettext("made a ticket for an upload"),
    "token.created": lazy_gettext("made an API token"),
    "token.revoked": lazy_gettext("ended an API token"),
    "upload.added": lazy_gettext("uploaded files"),
    "upload.cancelled": lazy_gettext("gave an upload up"),
    "upload.changed": lazy_gettext("changed an uploaded file"),
    "upload.expired": lazy_gettext("put a file into the trash that is kept no longer"),
    "upload.link_made": lazy_gettext("made a link to a private file"),
    "upload.links_made": lazy_gettext("made links to private files"),
    "upload.links_revoked": lazy_gettext("ended the links to a private file"),
    "upload.removed": lazy_gettext("removed an uploaded file"),
    "upload.restored": lazy_gettext("restored an uploaded file"),
    "uploads.expired": lazy_gettext("put files into the trash that are kept no longer"),
    "source.imported": lazy_gettext("brought in the files of another service"),
    "upload.zip_made": lazy_gettext("took uploaded files as a ZIP"),
    "user.added": lazy_gettext("added a person"),
    "user.disabled": lazy_gettext("disabled a person"),
    "user.enabled": lazy_gettext("let a disabled person in again"),
    "user.letter_sent": lazy_gettext("sent a letter"),
    "user.link_asked": lazy_gettext("asked for a link to set a new password"),
    "user.passkey_added": lazy_gettext("added a passkey"),
    "user.passkey_removed": lazy_gettext("removed a passkey"),
    "user.password_changed": lazy_gettext("changed a password"),
    "user.reset_started": lazy_gettext("made a link to set a new password"),
    "user.role_changed": lazy_gettext("changed somebody's role"),
    "user.role_taken": lazy_gettext("took somebody's role away"),
    "user.recovery_codes_made": lazy_gettext("made new recovery codes"),
    "user.second_factor_off": lazy_gettext("turned their second factor off"),
    "user.second_factor_on": lazy_gettext("set up a second factor"),
    "user.second_factor_reset": lazy_gettext("reset somebody's second factor"),
    "user.linked": lazy_gettext("linked an account with the identity provider"),
    "user.unlinked": lazy_gettext("took an account off the identity provider"),
    "user.signed_in": lazy_gettext("signed in"),
    "user.signed_out": lazy_gettext("signed out"),
    "user.signed_out_everywhere": lazy_gettext("signed out everywhere"),
    "webhooks.retried": lazy_gettext("had webhooks sent again that were given up"),
}
"""What each action is, after the name of who did it. Those that no code has any more stay: the log
keeps entries for long."""

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
    "duplicate": lazy_gettext("there already"),
    "events": lazy_gettext("webhooks"),
    "expired": lazy_gettext("kept no longer"),
    "focal": lazy_gettext("focal point"),
    "found": lazy_gettext("found"),
    "folder": lazy_gettext("folder"),
    "force": lazy_gettext("taken out where it was used"),
    "gone": lazy_gettext("gone since"),
    "group": lazy_gettext("group"),
    "hold": lazy_gettext("hold"),
    "hosts": lazy_gettext("hosts"),
    "kept": lazy_gettext("kept as it is"),
    "kind": lazy_gettext("kind"),
    "left": lazy_gettext("not mended"),
    "limits": lazy_gettext("limits"),
    "locale": lazy_gettext("language"),
    "mended": lazy_gettext("mended"),
    "model": lazy_gettext("model"),
    "name": lazy_gettext("name"),
    "number": lazy_gettext("state"),
    "options": lazy_gettext("options"),
    "price": lazy_gettext("price"),
    "product_ids": lazy_gettext("products"),
    "reason": lazy_gettext("reason"),
    "reference": lazy_gettext("reference"),
    "refused": lazy_gettext("refused"),
    "restored": lazy_gettext("restored"),
    "rewritten": lazy_gettext("rewritten"),
    "role": lazy_gettext("role"),
    "scopes": lazy_gettext("scopes"),
    "signature": lazy_gettext("what was found"),
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
    "upload_categories": lazy_gettext("categories of uploads"),
    "updated": lazy_gettext("changed"),
    "user": lazy_gettext("person"),
    "variant": lazy_gettext("size"),
    "version": lazy_gettext("version"),
}
"""Names of details and of changed fields; one that is not here is shown as it is."""

FILES = "files"
"""What `assets` are called where they need not be photos."""

JOBS = {
    "product_import": lazy_gettext("Background work: import of products"),
    "fsck": lazy_gettext("Background work: check of everything"),
    "import": lazy_gettext("Background work: import of products"),
    "mail": lazy_gettext("Background work: letters"),
    "scan": lazy_gettext("Background work: scanner"),
    "pictures_by_sku": lazy_gettext("Background work: import of photos"),
    "samples": lazy_gettext("Background work: sample products"),
    "sweep": lazy_gettext("Background work: tidying up"),
    "product_import_undo": lazy_gettext("Background work: undoing an import"),
}


def action_words(action: str) -> str:
    """Return what was done."""
    return str(ACTIONS.get(action, action))


def doer_words(doer: Doer) -> str:
    """Return who did it."""
    match doer.kind:
        case DoerKind.PERSON:
            return doer.name or _("Somebody who is not signed in")
        case DoerKind.COMMAND:
            return _("Command: %(words)s", words=doer.name)
        case DoerKind.JOB:
            return str(JOBS.get(doer.name) or _("Background work: %(kind)s", kind=doer.name))


def details_words(entry: Entry) -> list[str]:
    """Return what belongs to it, in pieces of a few words; zeros are left out."""
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
    """Return all actions with their words, in the order of the words."""
    said = {action: str(words) for action, words in ACTIONS.items()}
    return dict(sorted(said.items(), key=lambda each: each[1].casefold()))

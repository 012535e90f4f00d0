"""Tools for agents on the media of a site, each with the service of its route under `/api`.

Names, descriptions and schemas are the same for every site and every caller: they contain no user
data.
"""

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel

from avenue.builder.library.errors import MediaInUse
from avenue.builder.library.folders.presenting import folders_json
from avenue.builder.library.folders.replies import FolderList
from avenue.builder.library.folders.service import FolderService
from avenue.builder.library.models import MediaPage, MediaQuery, Removed, Sort
from avenue.builder.library.presenting import detail_json, media_json, removed_json, usage_json
from avenue.builder.library.replies import MediaDetail, Usage
from avenue.builder.library.service import MediaService
from avenue.errors import sentence
from avenue.identity import Actor, Scope
from avenue.mcp.arguments import (
    Deletion,
    Listing,
    Moving,
    NewFile,
    NewFromUrl,
    Nothing,
    OneMedia,
    PartOfList,
    Search,
    Update,
)
from avenue.mcp.replies import ChangedItems, Deleted, Item, Items, Trashed, Uploaded
from avenue.media.intake.models import Incoming, UploadResult
from avenue.media.models import Asset
from avenue.totals import total_json
from avenue.web.errors import InvalidBody
from avenue.web.paging import cursor_place, cursor_text
from avenue.words import wanted_words

Change = tuple[str, str, Mapping[str, Any]]
"""For the audit log: the action, the file, and the details."""
FEW_LINES = 30
NO_BASE64 = sentence("`data` is not base64.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolContext:
    """The caller, and the services that tools use; `receive` receives bytes like an upload."""

    actor: Actor
    media: MediaService
    folders: FolderService
    receive: Callable[[bytes, str, int], Incoming]


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The result of a tool: `content` for programs, `text` for models, `changes` to log."""

    content: Mapping[str, Any]
    text: str
    changes: Sequence[Change] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A tool: its arguments and result, the required role, and its rate limit."""

    name: str
    title: str
    description: str
    takes: type[BaseModel]
    gives: Any
    run: Callable[[ToolContext, Any], Done]
    counts: Literal["reads", "writes", "uploads"] = "reads"
    destructive: bool = False
    goes_out: bool = False

    @property
    def scope(self) -> Scope:
        """The scope that a token needs."""
        return Scope.READ if self.reads else Scope.WRITE

    @property
    def reads(self) -> bool:
        """Whether it changes nothing."""
        return self.counts == "reads"


def list_media(context: ToolContext, asked: Listing) -> Done:
    """List files of the library."""
    return _found(
        context,
        asked,
        folder=asked.folder,
        tag=(asked.tag or "").strip().lower() or None,
        media_type=asked.type,
        unused=asked.unused,
        lacks_alt=context.actor.site.language if asked.without_alt else None,
    )


def search_media(context: ToolContext, asked: Search) -> Done:
    """Find files by words."""
    return _found(context, asked, words=wanted_words(asked.query))


def get_media(context: ToolContext, asked: OneMedia) -> Done:
    """Show one file."""
    asset = context.media.get(context.actor, asked.id)
    detail = _detail(context, asset)
    return Done(content=detail, text=f"{_line(asset)} used in {detail['uses']} places")


def get_media_usage(context: ToolContext, asked: OneMedia) -> Done:
    """Show where a file is used."""
    asset = context.media.get(context.actor, asked.id)
    uses = context.media.uses_of(context.actor, [asset.id]).get(asset.id, ())
    lines = [f"{each.kind} {each.id} {each.title!r}" for each in uses[:FEW_LINES]]
    content = usage_json(context.actor.site, uses)
    return Done(content=content, text=_lines(f"Used in {len(uses)} places.", lines))


def list_folders(context: ToolContext, _: Nothing) -> Done:
    """List all folders."""
    folders = context.folders.every(context.actor)
    lines = [
        f"{each.folder.id} {'/'.join(step.name for step in each.path)!r} {each.media} files"
        for each in folders
    ]
    return Done(content=folders_json(folders), text=_lines(f"{len(folders)} folders.", lines))


def upload_media(context: ToolContext, asked: NewFile) -> Done:
    """Store a file from the given bytes."""
    try:
        data = base64.b64decode(asked.data, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidBody(NO_BASE64, fields=[{"field": "data", "problem": "base64"}]) from None
    incoming = context.receive(data, asked.name, context.media.policy(context.actor).max_bytes)
    return _uploaded(
        context,
        context.media.add(
            context.actor, [incoming], key=asked.idempotency_key, folder=asked.folder, once=True
        ),
    )


def upload_media_from_url(context: ToolContext, asked: NewFromUrl) -> Done:
    """Store a file that is fetched from a public address."""
    return _uploaded(
        context,
        context.media.fetch(
            context.actor, asked.url, key=asked.idempotency_key, folder=asked.folder, once=True
        ),
    )


def update_media(context: ToolContext, asked: Update) -> Done:
    """Change the fields of a file."""
    changes = asked.model_dump(exclude_unset=True, exclude={"id"})
    asset = context.media.change(context.actor, asked.id, changes)
    return Done(
        content=_item(context, asset),
        text=f"Changed: {_line(asset)}",
        changes=[("media.changed", asset.id, {"fields": sorted(changes)})],
    )


def move_media(context: ToolContext, asked: Moving) -> Done:
    """Move files to a folder."""
    moved = context.media.move(context.actor, asked.ids, asked.folder)
    return Done(
        content=ChangedItems(items=[_item(context, each) for each in moved]),
        text=f"Moved {len(moved)} files.",
        changes=[("media.moved", each, {"folder": asked.folder or ""}) for each in asked.ids],
    )


def delete_media(context: ToolContext, asked: Deletion) -> Done:
    """Move files to the trash, or report what would happen."""
    assets = {each.id: each for each in context.media.get_all(context.actor, asked.ids)}
    if asked.dry_run:
        used = context.media.uses_of(context.actor, asked.ids)
        free = tuple(each for each in asked.ids if each not in used)
        removed = Removed(ids=free, kept={each: used[each] for each in asked.ids if each in used})
    else:
        removed = context.media.remove(context.actor, asked.ids)
    kept = removed_json(context.actor.site, removed)["in_use"]
    if kept and not (removed.ids or asked.dry_run):
        raise MediaInUse(usage=kept[0]["usage"], total=kept[0]["total"])
    would = "Would go" if asked.dry_run else "Went"
    return Done(
        content=Deleted(
            dry_run=asked.dry_run,
            to_trash=[Trashed(id=each, name=assets[each].name) for each in removed.ids],
            in_use=kept,
        ),
        text=f"{would} to the trash: {len(removed.ids)}. In use, so they stay: {len(kept)}.",
        changes=()
        if asked.dry_run
        else [("media.removed", each, {"force": False}) for each in removed.ids],
    )


TOOLS: tuple[Tool, ...] = (
    Tool(
        name="list_media",
        title="List media",
        description="List the pictures of the site's media library: by folder, tag and media type, "
        "those used nowhere, those without an alt text. For the next page send `next` as `cursor`.",
        takes=Listing,
        gives=Items,
        run=list_media,
    ),
    Tool(
        name="search_media",
        title="Search media",
        description="Find pictures by words of their names, alt texts and tags.",
        takes=Search,
        gives=Items,
        run=search_media,
    ),
    Tool(
        name="get_media",
        title="Describe one file",
        description="Show all there is about one picture: name, alt texts, tags, folder, sizes "
        "with their URLs, and in how many places it is used.",
        takes=OneMedia,
        gives=MediaDetail,
        run=get_media,
    ),
    Tool(
        name="get_media_usage",
        title="Where a file is used",
        description="Tell which pages and settings use a picture now, and where a person edits "
        "them.",
        takes=OneMedia,
        gives=Usage,
        run=get_media_usage,
    ),
    Tool(
        name="list_folders",
        title="List folders",
        description="List all folders of the library with their ids, each behind the one it lies "
        "in.",
        takes=Nothing,
        gives=FolderList,
        run=list_folders,
    ),
    Tool(
        name="upload_media",
        title="Upload a file",
        description="Store a picture (JPEG, PNG, WebP, GIF, AVIF, HEIC) whose bytes are sent "
        "along. It is public. Bytes that are there already are the file that is there.",
        takes=NewFile,
        gives=Uploaded,
        run=upload_media,
        counts="uploads",
    ),
    Tool(
        name="upload_media_from_url",
        title="Upload a file from a URL",
        description="Fetch a picture by its URL, from a public address only, and store it; "
        "otherwise as upload_media.",
        takes=NewFromUrl,
        gives=Uploaded,
        run=upload_media_from_url,
        counts="uploads",
        goes_out=True,
    ),
    Tool(
        name="update_media",
        title="Change a file's texts",
        description="Set name, alt texts, decorative, focal point, tags or folder of a picture. "
        "`alt` and `tags` replace all that were there: read the file first, and send back the "
        "languages and tags that are to stay. A null `focal` leaves it to the picture.",
        takes=Update,
        gives=Item,
        run=update_media,
        counts="writes",
        destructive=True,
    ),
    Tool(
        name="move_media",
        title="Move files to a folder",
        description="Put up to 200 pictures into a folder, or into none; all of them, or none. "
        "Their URLs stay.",
        takes=Moving,
        gives=ChangedItems,
        run=move_media,
        counts="writes",
    ),
    Tool(
        name="delete_media",
        title="Delete files",
        description="Put up to 200 pictures into the trash, from which people can bring them back. "
        "With `dry_run`, which is true if left out, nothing is changed and the answer says what "
        "would go and what is in use. What is in use is never deleted.",
        takes=Deletion,
        gives=Deleted,
        run=delete_media,
        counts="writes",
        destructive=True,
    ),
)
BY_NAME = {each.name: each for each in TOOLS}


def _found(context: ToolContext, asked: PartOfList, **conditions: Any) -> Done:
    sort = Sort(asked.sort)
    after = cursor_place(sort, sort.kind, asked.cursor) if asked.cursor else None
    query = MediaQuery(sort=sort, after=after, limit=asked.limit, **conditions)
    page = context.media.find(context.actor, query)
    content = Items(
        items=[_item(context, each) for each in page.items],
        next=cursor_text(sort, page.next) if page.next else None,
        **total_json(page.total, page.at_least),
    )
    return Done(content=content, text=_lines(_counted(page), [_line(each) for each in page.items]))


def _counted(page: MediaPage) -> str:
    more = " There are more: send `next` as `cursor`." if page.next else ""
    return f"{len(page.items)} of {'many' if page.total is None else page.total} files.{more}"


def _uploaded(context: ToolContext, came: UploadResult) -> Done:
    asset = came.assets[0]
    changes: Sequence[Change] = ()
    if came.created and not came.replayed:
        changes = [("media.added", asset.id, {"assets": sorted(came.kept)})]
    return Done(
        content=Uploaded(created=came.created, media=_detail(context, asset)),
        text=f"{'Stored' if came.created else 'There already'}: {_line(asset)}",
        changes=changes,
    )


def _detail(context: ToolContext, asset: Asset) -> MediaDetail:
    uses = context.media.uses_of(context.actor, [asset.id]).get(asset.id, ())
    return detail_json(context.actor.site, asset, len(uses))


def _item(context: ToolContext, asset: Asset) -> Item:
    whole = media_json(context.actor.site, asset)
    return {
        "id": whole["id"],
        "name": whole["name"],
        "media_type": whole["media_type"],
        "bytes": whole["bytes"],
        "width": whole["width"],
        "height": whole["height"],
        "alt": whole["alt"],
        "decorative": whole["decorative"],
        "focal": whole["focal"],
        "folder": whole["folder"],
        "tags": whole["tags"],
        "revision": whole["revision"],
        "url": whole["url"],
        "display_url": whole["display_url"],
    }


def _line(asset: Asset) -> str:
    """Return a file in one line; user data is in quotation marks."""
    return f"{asset.id} {asset.name!r} {asset.current.media_type}"


def _lines(first: str, others: Sequence[str]) -> str:
    more = [f"… and {len(others) - FEW_LINES} more"] if len(others) > FEW_LINES else []
    return "\n".join([first, *others[:FEW_LINES], *more])

"""Recognises the contents of the collections of an earlier database, and indexes its pictures."""

from collections.abc import Iterator, Mapping

from avenue.migration.adopt import fields as names
from avenue.migration.adopt.context import GROUP, AdoptionContext
from avenue.migration.adopt.decoding import form_of
from avenue.migration.adopt.inventory import Picture
from avenue.migration.adopt.models import LEFT_ALONE, Holds, Recognised, Sample
from avenue.storage.earlier import EarlierDatabase, Record

SAMPLES = 3
LONGEST_NAME = 1024
LONGEST_SHOWN = 80
PICTURED = (Holds.PICTURES, Holds.TEMPORARY)
KNOWN: Mapping[str, Holds] = {
    "shop_products": Holds.PRODUCTS,
    "shop_products_grouped": Holds.GROUPS,
    "product_images_data": Holds.PICTURES,
    "temp_images": Holds.TEMPORARY,
    "page_content": Holds.PAGES,
    "users": Holds.PEOPLE,
    "admin_settings": Holds.SETTINGS,
    "audit_logs": Holds.LOG,
}


class Recogniser:
    """Examines an earlier database; no bytes are read, except those of a few samples."""

    def __init__(self, source: EarlierDatabase, context: AdoptionContext) -> None:
        self._source = source
        self._context = context

    def recognise(self) -> Iterator[Recognised]:
        """Yield every collection and bucket, with its recognised contents."""
        found = self._source.collections()
        buckets = {
            name.removesuffix(".files")
            for name in found
            if name.endswith(".files") and f"{name.removesuffix('.files')}.chunks" in found
        }
        parts = {f"{bucket}.{part}" for bucket in buckets for part in ("files", "chunks")}
        for bucket in sorted(buckets):
            holds = self._context.mapped.holds.get(bucket, Holds.FILES)
            yield self._looked_at(bucket, f"{bucket}.files", holds, found[f"{bucket}.files"])
        for name in sorted(set(found) - parts):
            holds = self._context.mapped.holds.get(name, KNOWN.get(name, Holds.OTHER))
            yield self._looked_at(name, name, holds, found[name])

    def _looked_at(self, name: str, collection: str, holds: Holds, documents: int) -> Recognised:
        samples = () if holds in LEFT_ALONE else self._source.samples(collection, SAMPLES)
        return Recognised(
            name=name,
            holds=holds,
            documents=documents,
            is_bucket=collection != name,
            samples=tuple(self._sample(name, holds, each) for each in samples),
        )

    def _sample(self, name: str, holds: Holds, record: Record) -> Sample:
        own, fields = self._context.names(name, holds), record.fields
        title = names.text(
            fields, own.get("name") or own.get("title") or own.get("filename") or own["id"]
        )
        seen: list[str] = []
        if holds in PICTURED:
            data = [names.picture_of(fields.get(each)) for each in own["data"]]
            seen += [form_of(each.inline) for each in data if each and each.inline is not None][:1]
        elif "images" in own:
            found = names.pictures(fields, own["images"])
            inline = [form_of(each.inline) for each in found if each.inline is not None]
            seen = [f"pictures: {len(found)}", *dict.fromkeys(inline)]
            seen += [each.texts[0][:LONGEST_SHOWN] for each in found if each.texts][:1]
        if holds is Holds.PEOPLE:
            title = None  # names of people are in no report except where needed
            seen.append("password" if names.first(fields, own["password"]) else "no password")
        return Sample(id=record.key, title=(title or "")[:LONGEST_SHOWN], seen=tuple(seen))

    def note(self, recognised: Recognised) -> Iterator[None]:
        """Index a collection: its pictures by name, its products, or its group members."""
        if recognised.is_bucket:
            yield from self._note_files(recognised.name)
            return
        match recognised.holds:
            case Holds.PICTURES | Holds.TEMPORARY:
                yield from self._note_pictures(recognised)
            case Holds.PRODUCTS:
                yield from self._note_products(recognised.name)
            case Holds.GROUPS:
                yield from self._note_members(recognised.name)
            case _:
                pass

    def _note_files(self, bucket: str) -> Iterator[None]:
        for record in self._source.records(f"{bucket}.files", ("filename", "length", "metadata")):
            metadata = record.fields.get("metadata")
            inside = metadata if isinstance(metadata, dict) else {}
            length = record.fields.get("length")
            product = names.text(inside, names.DEFAULTS[Holds.PICTURES]["product"])
            file_name = names.text(record.fields, ("filename",))
            self._context.inventory.add_picture(
                Picture(
                    collection=bucket,
                    bucket=bucket,
                    handle=record.handle,
                    key=record.key,
                    length=length if isinstance(length, int) else 0,
                    name=file_name or "",
                    alt=names.alt_of(inside, names.ALTS),
                ),
                ids=[record.key],
                names=[file_name] if file_name else [],
                product=product,
                position=None,
            )
            yield

    def _note_pictures(self, recognised: Recognised) -> Iterator[None]:
        own = self._context.names(recognised.name, recognised.holds)
        wanted = {
            name
            for meaning in ("id", "filename", "product", "position", "alt")
            for name in own[meaning]
        }
        # Fields that may contain bytes are not read for this.
        slim = sorted(wanted - set(own["data"]) | {"path", "url"} & wanted)
        for record in self._source.records(recognised.name, slim):
            ids = [record.key, *names.keys_of(record.fields, own["id"])]
            called = [
                text
                for name in own["filename"]
                if isinstance(text := record.fields.get(name), str)
                and 0 < len(text) <= LONGEST_NAME
            ]
            position = names.first(record.fields, own["position"])
            self._context.inventory.add_picture(
                Picture(
                    collection=recognised.name,
                    handle=record.handle,
                    key=record.key,
                    name=called[0] if called else "",
                    alt=names.alt_of(record.fields, own["alt"]),
                ),
                ids=list(dict.fromkeys(ids)),
                names=list(dict.fromkeys(called)),
                product=names.text(record.fields, own["product"]),
                position=float(position) if isinstance(position, int | float) else None,
            )
            yield

    def _note_products(self, collection: str) -> Iterator[None]:
        own = self._context.names(collection, Holds.PRODUCTS)
        for record in self._source.records(collection, (*own["id"], *own["sku"])):
            self._context.inventory.see([record.key, *names.keys_of(record.fields, own["id"])])
            sku = names.text(record.fields, own["sku"])
            if sku is not None:
                self._context.inventory.add_sku(sku, f"{collection} {record.key}")
            yield

    def _note_members(self, collection: str) -> Iterator[None]:
        own = self._context.names(collection, Holds.GROUPS)
        for record in self._source.records(collection, (*own["id"], *own["members"])):
            for keys in names.members(names.first(record.fields, own["members"])):
                for key in keys:
                    self._context.inventory.add_member(
                        key, self._context.id_of(GROUP, collection, record.key)
                    )
            yield

"""Imports of pictures by SKU and their files, in MongoDB."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from itertools import islice
from typing import Any

from pymongo.client_session import ClientSession

from avenue.clock import utc_now
from avenue.identity import Role
from avenue.media.intake.models import UploadResult
from avenue.media.models import Asset
from avenue.media.store.documents import ASSETS
from avenue.media.store.transitions import discard_unclaimed, keep_longer
from avenue.shop.matching.errors import (
    ArchiveExpired,
    FileNotInArchive,
    ImportBegun,
    PictureImportNotFound,
)
from avenue.shop.matching.models import (
    FilePage,
    FileQuery,
    Finding,
    KeptFile,
    MatchedProduct,
    NamedFile,
    Outcome,
    PictureImport,
    PlannedFile,
    Stage,
)
from avenue.shop.models import Failure, ListQuery
from avenue.shop.store.documents import page_of
from avenue.storage.collection import Collection
from avenue.storage.connection import Database, Document
from avenue.storage.idempotency import UploadInProgress, Writes
from avenue.storage.scope import SiteRecords, site

IMPORTS = "shop_picture_imports"
FILES = "shop_picture_import_files"
KEEP_DAYS = 30
STORED_AT_ONCE = 500


class PictureImportStore(SiteRecords):
    """The imports of pictures of one site at a time; every method takes the site first."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._writes = Writes(database)

    def put_files(self, site_id: str, import_id: str, planned: Sequence[PlannedFile]) -> None:
        """Store the files of an import that is about to be stored itself; they must be numbered.

        If that fails, they expire like those of a stored one.
        """
        forget_at = utc_now() + timedelta(days=KEEP_DAYS)
        files = self._records(site_id, FILES)
        waiting = enumerate(planned, start=1)
        while some := list(islice(waiting, STORED_AT_ONCE)):
            files.insert_all(
                [_file_out(import_id, number, each, forget_at) for number, each in some]
            )

    def begin(
        self, site_id: str, new: PictureImport, upload_result: UploadResult, *, hours: int
    ) -> None:
        """Store a new import together with its archive, which `upload_result` has stored.

        Raise `AlreadyThere` if the same request started one before.
        """
        write, scope = upload_result.write, site(self._database, site_id)
        [asset] = upload_result.new
        times = {
            "created_at": "$$NOW",
            "expires_at": _later(hours=hours),
            "forget_at": _later(hours=KEEP_DAYS * 24),
        }

        def work(session: ClientSession) -> None:
            upload_result.fates = {}  # of an aborted attempt
            if write is None or not keep_longer(
                scope.collection(ASSETS).within(session), asset.id, hours=hours
            ):
                raise UploadInProgress
            scope.collection(IMPORTS).within(session).insert_at_server_time(_out(new), times)
            upload_result.fates = {asset.id: asset}
            self._writes.finish(site_id, write, upload_result.answer(), session)

        scope.transaction(work)

    def get(self, site_id: str, import_id: str) -> PictureImport:
        """Return one import or raise `PictureImportNotFound`."""
        found = self._records(site_id, IMPORTS).find_one({"_id": import_id})
        if found is None:
            raise PictureImportNotFound
        return _in(found)

    def by_key(self, site_id: str, by: str, key: str) -> PictureImport | None:
        """Return the import that a person started with this key, or None."""
        return self._records(site_id, IMPORTS).value(_in, {"request_key": f"{by}/{key}"})

    def find(
        self, site_id: str, query: ListQuery, *, by: str | None
    ) -> tuple[list[PictureImport], int | None]:
        """Return imports of one person, or of all if it is None; see `page_of`."""
        return page_of(self._records(site_id, IMPORTS), _in, query, [{"by": by}] if by else [])

    def files(self, site_id: str, import_id: str, query: FileQuery) -> FilePage:
        """Return some files of an import in order."""
        wanted: Document = {}
        if query.finding:
            wanted["finding"] = query.finding.value
        if query.outcome:
            wanted["outcome"] = query.outcome.value
        files = self._records(site_id, FILES)
        found = files.values(
            _file_in,
            {**_behind(import_id, query.after), **wanted},
            sort=[("_id", 1)],
            limit=query.limit + 1,
        )
        total = files.total({**_behind(import_id, 0), **wanted})
        return FilePage.of(found, query.limit, lambda last: last.number, total=total)

    def next_file(self, site_id: str, run: PictureImport) -> KeptFile | None:
        """Return the first matched file without an outcome, or None."""
        found = self._records(site_id, FILES).values(
            _file_in,
            {**_behind(run.id, 0), "finding": Finding.MATCHED.value, "outcome": None},
            sort=[("_id", 1)],
            limit=1,
        )
        return found[0] if found else None

    def file(self, site_id: str, import_id: str, number: int) -> KeptFile | None:
        """Return one file of an import that can be opened, or None."""
        query = {"_id": _file_id(import_id, number), **_CAN_BE_OPENED}
        files = self._records(site_id, FILES)
        found = files.values(_file_in, query, limit=1)
        return found[0] if found else None

    def assign(
        self, site_id: str, run: PictureImport, wanted: Mapping[int, MatchedProduct | None]
    ) -> int:
        """Assign files of an import to products, or to none; return how many changed.

        All or nothing. Raise `FileNotInArchive`, or `ImportBegun` if it is being applied.
        """

        def work(files: Collection) -> int:
            changed = 0
            counts: Counter[str] = Counter()
            for number, matched in wanted.items():
                query = {"_id": _file_id(run.id, number), **_CAN_BE_OPENED}
                found = files.values(_file_in, query, limit=1)
                if not found:
                    raise FileNotInArchive
                before = found[0].matched
                if (before and before.product) == (matched and matched.product):
                    continue
                changed += 1
                finding = _finding_by_hand(found[0], matched)
                told = asdict(matched) if matched else None
                files.update(
                    query,
                    {"$set": {"finding": finding.value, "shelf": told, "by_hand": True}},
                )
                counts[f"found.{found[0].finding}"] -= 1
                counts[f"found.{finding}"] += 1
            planned = {"_id": run.id, "stage": Stage.PLANNED}
            if changed and not files.beside(IMPORTS).update(planned, {"$inc": dict(counts)}):
                raise ImportBegun
            return changed

        return self._records(site_id, FILES).transaction(work)

    def begin_applying(self, site_id: str, run: PictureImport, *, hours: int) -> None:
        """Start applying an import; repeatable. Raise `ArchiveExpired`."""

        def work(imports: Collection) -> None:
            query = {"_id": run.id, "stage": Stage.PLANNED}
            if not imports.update(query, {"$set": {"stage": Stage.APPLYING}}):
                return  # it is running, or done
            if not keep_longer(imports.beside(ASSETS), run.archive, hours=hours):
                raise ArchiveExpired

        self._records(site_id, IMPORTS).transaction(work)

    def set_job(self, site_id: str, import_id: str, job_id: str) -> None:
        """Store the job that applies an import."""
        self._records(site_id, IMPORTS).update({"_id": import_id}, {"$set": {"job": job_id}})

    def note(
        self,
        site_id: str,
        run: PictureImport,
        file: KeptFile,
        outcome: Outcome,
        failure: Failure | None,
    ) -> PictureImport:
        """Store the outcome of a file, count it once, and return the import."""
        told = {"outcome": outcome.value, "failure": asdict(failure) if failure else None}

        def work(files: Collection) -> None:
            waiting = {"_id": _file_id(run.id, file.number), "outcome": None}
            if files.update(waiting, {"$set": told}):
                counted = {"done": 1, f"counts.{outcome}": 1}
                files.beside(IMPORTS).update({"_id": run.id}, {"$inc": counted})

        self._records(site_id, FILES).transaction(work)
        return self.get(site_id, run.id)

    def finish(self, site_id: str, run: PictureImport) -> PictureImport:
        """Mark an import as done and return it; repeatable."""
        self._records(site_id, IMPORTS).update(
            {"_id": run.id, "stage": Stage.APPLYING},
            [{"$set": {"stage": Stage.DONE.value, "finished_at": "$$NOW"}}],
        )
        return self.get(site_id, run.id)

    def discard_archive(self, site_id: str, run: PictureImport) -> Asset | None:
        """Condemn the archive and return it, None if there is none."""
        assets = self._records(site_id, ASSETS)
        return discard_unclaimed(assets, run.archive)


_CAN_BE_OPENED: Document = {"finding": {"$ne": Finding.LEFT_OUT.value}}


def _finding_by_hand(file: KeptFile, matched: MatchedProduct | None) -> Finding:
    if matched:
        return Finding.MATCHED
    return Finding.AMBIGUOUS if file.candidates else Finding.UNMATCHED


def _later(*, hours: int) -> Document:
    return {"$dateAdd": {"startDate": "$$NOW", "unit": "hour", "amount": hours}}


def _file_id(import_id: str, number: int) -> str:
    return f"{import_id}/{number:09}"


def _behind(import_id: str, number: int) -> Document:
    """Return the condition for the files of an import after a number."""
    return {"_id": {"$gt": _file_id(import_id, number), "$lt": f"{import_id}/:"}}


def _out(new: PictureImport) -> Document:
    document: Document = {
        "_id": new.id,
        "by": new.by,
        "is_admin": new.role is Role.ADMIN,
        "role": new.role.value,
        "name": new.name,
        "sha256": new.sha256,
        "archive": new.archive,
        "key": new.key,
        "stage": new.stage.value,
        "job": None,
        "done": 0,
        "found": dict(new.found),
        "counts": {},
        "finished_at": None,
    }
    if new.key is not None:
        document["request_key"] = f"{new.by}/{new.key}"
    return document


def _role_in(document: Mapping[str, Any]) -> Role:
    """Return the role of an import; at first only `is_admin` was stored."""
    if role := document.get("role"):
        return Role(role)
    return Role.ADMIN if document["is_admin"] else Role.SELLER


def _in(document: Mapping[str, Any]) -> PictureImport:
    return PictureImport(
        id=document["_id"],
        by=document["by"],
        role=_role_in(document),
        name=document["name"],
        sha256=document["sha256"],
        archive=document["archive"],
        key=document["key"],
        stage=Stage(document["stage"]),
        job=document["job"],
        done=document["done"],
        found=document["found"],
        counts=document["counts"],
        created_at=document["created_at"],
        expires_at=document["expires_at"],
        finished_at=document["finished_at"],
    )


def _file_out(import_id: str, number: int, planned: PlannedFile, forget_at: object) -> Document:
    return {
        "_id": _file_id(import_id, number),
        "number": number,
        "file": asdict(planned.file),
        "finding": planned.finding.value,
        "shelf": asdict(planned.matched) if planned.matched else None,
        "position": planned.position,
        "candidates": list(planned.candidates),
        "reason": planned.reason,
        "outcome": None,
        "failure": None,
        "forget_at": forget_at,
    }


def _file_in(document: Mapping[str, Any]) -> KeptFile:
    matched, outcome, failure = document["shelf"], document["outcome"], document["failure"]
    return KeptFile(
        number=document["number"],
        by_hand=bool(document.get("by_hand")),
        file=NamedFile(**document["file"]),
        finding=Finding(document["finding"]),
        matched=MatchedProduct(**matched) if matched else None,
        position=document["position"],
        candidates=tuple(document["candidates"]),
        reason=document["reason"],
        outcome=Outcome(outcome) if outcome else None,
        failure=Failure(**failure) if failure else None,
    )

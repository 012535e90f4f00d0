"""The reports of moves line by line, of any length, in MongoDB."""

from collections.abc import Iterable, Iterator

from avenue.storage.connection import Document
from avenue.storage.scope import SiteRecords

REPORTS = "move_reports"
KEEP_DAYS = 30
"""As long as a finished job."""
CHARACTERS = 256 * 1024
"""Of one document, and a line more."""


class MoveReports(SiteRecords):
    """The report lines of the jobs of one site, each a JSON object; replaced as a whole."""

    def put(self, site_id: str, job_id: str, lines: Iterable[str]) -> None:
        """Store the lines of a job, replacing those of an earlier run."""
        reports = self._records(site_id, REPORTS)
        reports.delete_all(_named(job_id))
        for number, text in enumerate(_pieces(lines)):
            document: Document = {"_id": f"{job_id}/{number:08}", "lines": text}
            forget_at = {"$add": ["$$NOW", KEEP_DAYS * 86_400_000]}
            reports.insert_at_server_time(document, {"forget_at": forget_at})

    def pieces(self, site_id: str, job_id: str) -> Iterator[str]:
        """Yield the lines of a job in order, in batches, each with its line end."""
        last, reports = "", self._records(site_id, REPORTS)
        while piece := reports.values(
            lambda each: (each["_id"], each["lines"]),
            {"$and": [_named(job_id), {"_id": {"$gt": last}}]},
            sort=[("_id", 1)],
            limit=1,
        ):
            last, text = piece[0]
            yield text

    def lines(self, site_id: str, job_id: str) -> Iterator[str]:
        """Yield the lines of a job in order."""
        for piece in self.pieces(site_id, job_id):
            yield from piece.splitlines()


def _named(job_id: str) -> Document:
    return {"_id": {"$gte": f"{job_id}/", "$lt": f"{job_id}0"}}


def _pieces(lines: Iterable[str]) -> Iterator[str]:
    some: list[str] = []
    size = 0
    for line in lines:
        some.append(f"{line}\n")
        size += len(line)
        if size >= CHARACTERS:
            yield "".join(some)
            some, size = [], 0
    if some:
        yield "".join(some)

"""Rules for the results of walks: bytes, references, records, and orphaned data."""

from collections.abc import Iterator, Mapping

from avenue.errors import sentence
from avenue.health.checks.models import Tally
from avenue.health.models import Finding, Level
from avenue.health.sentences import Said
from avenue.health.thresholds import MOST_FOUND
from avenue.media.references import Standing

MEND = sentence("Upload the same files again, or run `python -m avenue fsck --repair`.")
IMPORT = sentence("Import what exists only on a disk: `python -m avenue import`.")
SWEEP = sentence("The sweeper removes them; if they stay, it is not running.")
NAMED_BY_FSCK = sentence("`python -m avenue fsck` lists each of them with its field.")


def damage(count: int) -> Iterator[Finding]:
    """Yield that the current bytes of assets are damaged."""
    if count:
        yield _found(
            "bytes",
            Level.CRITICAL,
            f"{count} assets show damaged bytes; `python -m avenue fsck` names them.",
            MEND,
        )


def references(found: Mapping[Standing, int], *, where: str) -> Iterator[Finding]:
    """Yield references to nothing, to a container's disk, or to optional files."""
    lost, disk, loose = (
        found.get(each, 0) for each in (Standing.MISSING, Standing.EPHEMERAL, Standing.STORED)
    )
    if lost:
        says = f"{_number(lost)} pictures that {where} name are lost, damaged or in the trash."
        yield _found("references", Level.CRITICAL, says, MEND)
    if disk:
        says = f"{_number(disk)} pictures that {where} name were only on a disk."
        yield _found("references", Level.WARNING, says, IMPORT)
    if loose:
        says = (
            f"{_number(loose)} entries of {where} are not as they should be, and lose no picture."
        )
        yield _found("references", Level.NOTICE, says, NAMED_BY_FSCK)


def records(malformed: int) -> Iterator[Finding]:
    """Yield that records are unreadable."""
    if malformed:
        says = f"{_number(malformed)} records are not as they should be, so lists leave them out."
        yield _found("records", Level.NOTICE, says, NAMED_BY_FSCK)


def strays(tally: Tally | None) -> Iterator[Finding]:
    """Yield incomplete and orphaned data of the last walk."""
    if tally is None:
        return
    incomplete = sum(tally.incomplete_files.values())
    if incomplete:
        yield _found("bytes", Level.CRITICAL, f"{incomplete} files are not whole.", MEND)
    orphans, unowned = sum(tally.orphan_chunks.values()), sum(tally.unowned_files.values())
    if orphans:
        yield _found("strays", Level.NOTICE, f"{orphans} chunks belong to no file.", SWEEP)
    if unowned:
        yield _found("strays", Level.NOTICE, f"{unowned} files belong to no asset.", SWEEP)


def leftovers(expired: int, files: int) -> Iterator[Finding]:
    """Yield data that waits for the sweeper, or is on this container's disk."""
    if expired:
        says = f"{expired} uploads have waited too long for their owner."
        yield _found("expired", Level.OK, says, "The sweeper takes them next time.")
    if files:
        says = f"{files} files lie in folders of this container: the next deployment loses them."
        yield _found("filesystem", Level.WARNING, says, "Put them into Avenue.")


def _number(count: int) -> str:
    """Return a number of findings, which were counted up to one above the bound."""
    return str(count) if count <= MOST_FOUND else f"More than {MOST_FOUND:,}"


def _found(subject: str, level: Level, says: str, cure: str) -> Finding:
    return Finding(subject=subject, level=level, place=subject, says=says, cure=Said(cure))

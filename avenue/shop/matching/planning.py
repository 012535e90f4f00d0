"""Classifies each file of an archive by names and SKUs; nothing is opened."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from avenue.shop.matching.models import Finding, MatchedProduct, NamedFile, PlannedFile, Reason
from avenue.shop.matching.naming import is_picture, keys_of, readings_of


def plan(
    files: Sequence[NamedFile],
    products: Iterable[MatchedProduct],
    *,
    most_bytes: int,
    most_pictures: int,
) -> list[PlannedFile]:
    """Return the classified files.

    Matched ones come first, product by product in the order of their numbers, which is the order of
    the import. The others keep their order. A file above `most_bytes` is left out, and of the files
    of one product those beyond `most_pictures`.
    """
    wanted = {reading.key for each in files for reading in readings_of(each.path)}
    by_key = _by_key(products, wanted)
    seen: set[str] = set()
    planned = [_planned(each, by_key, seen, most_bytes) for each in files]
    matched = [each for each in planned if each.finding is Finding.MATCHED]
    others = [each for each in planned if each.finding is not Finding.MATCHED]
    in_order = _within_limits(sorted(matched, key=_place), most_pictures)
    return [
        *(each for each in in_order if each.finding is Finding.MATCHED),
        *others,
        *(each for each in in_order if each.finding is not Finding.MATCHED),
    ]


def _by_key(
    products: Iterable[MatchedProduct], wanted: set[str]
) -> Mapping[str, list[MatchedProduct]]:
    """Return the products that some name could match; the others are not kept in memory."""
    by_key: dict[str, list[MatchedProduct]] = {}
    for matched in products:
        for key in keys_of(matched.sku) & wanted:
            by_key.setdefault(key, []).append(matched)
    return by_key


def _planned(
    file: NamedFile, by_key: Mapping[str, Sequence[MatchedProduct]], seen: set[str], most_bytes: int
) -> PlannedFile:
    reason = file.why_not or _why_left_out(file, most_bytes)
    if reason is None and file.path in seen:
        reason = Reason.SAME_NAME
    if reason is not None:
        return PlannedFile(file=file, finding=Finding.LEFT_OUT, reason=str(reason))
    seen.add(file.path)
    meant = {
        matched.product: (matched, reading.position)
        for reading in readings_of(file.path)
        for matched in by_key.get(reading.key, ())
    }
    if not meant:
        return PlannedFile(file=file, finding=Finding.UNMATCHED)
    if len(meant) > 1:
        candidates = tuple(sorted(matched.sku for matched, _ in meant.values()))
        return PlannedFile(file=file, finding=Finding.AMBIGUOUS, candidates=candidates)
    [(matched, position)] = meant.values()
    return PlannedFile(file=file, finding=Finding.MATCHED, matched=matched, position=position)


def _why_left_out(file: NamedFile, most_bytes: int) -> Reason | None:
    if not is_picture(file.path):
        return Reason.NOT_A_PICTURE
    if not file.length:
        return Reason.EMPTY
    return Reason.TOO_LARGE if file.length > most_bytes else None


def _place(planned: PlannedFile) -> tuple[str, str, int, str]:
    matched = planned.matched
    return (
        matched.sku if matched else "",
        matched.product if matched else "",
        planned.position,
        planned.file.path,
    )


def _within_limits(matched: Iterable[PlannedFile], most_pictures: int) -> list[PlannedFile]:
    taken: Counter[str] = Counter()
    within = []
    for each in matched:
        product = each.matched.product if each.matched else ""
        taken[product] += 1
        is_one_too_many = taken[product] > most_pictures
        within.append(
            replace(each, finding=Finding.LEFT_OUT, reason=Reason.TOO_MANY.value)
            if is_one_too_many
            else each
        )
    return within

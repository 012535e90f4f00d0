"""`make mutants`: break one promise at a time in a copy of the repository; the tests must notice.

Each mutant is one line of the product, changed as a slip would change it. The tests named beside it
are part of `make test` and have to fail. What is not noticed ends the run with 1.
"""

import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
LONGEST_SECONDS = 600
LINKED = (
    "node_modules",
    "tests/clients/node_modules",
    "avenue/static/vendor",
)
"""What `make` puts into the checkout and git does not have."""
NOT_LONG = ("-m", "not long and not alone")


@dataclass(frozen=True, slots=True)
class Mutant:
    """A promise, the line of `file` that keeps it, and what becomes of that line."""

    promise: str
    file: str
    line: str
    instead: str
    tests: str


MUTANTS = (
    Mutant(
        "a site sees its own records only",
        "storage/scope.py",
        'source=self.database.raw[name], fixed={"site": self.site}',
        "source=self.database.raw[name], fixed={}",
        "tests/storage/test_scope.py tests/http/test_who_may.py",
    ),
    Mutant(
        "a picture has one owner",
        "media/store/transitions.py",
        '"$or": [in_time, {"claim.kind": claim.kind, "claim.id": claim.id}],',
        "",
        "tests/media/test_claims.py",
    ),
    Mutant(
        "what was claimed is not discarded",
        "media/store/assets.py",
        'assets.delete({"_id": asset_id, "claim": None})',
        'assets.delete({"_id": asset_id})',
        "tests/media/test_claims.py",
    ),
    Mutant(
        "damaged bytes are found",
        "health/checks/files.py",
        "return None if digest == version.sha256 else OTHER_BYTES",
        "return None",
        "tests/http/test_debug.py tests/health",
    ),
    Mutant(
        "another site's page sends nothing in a person's name",
        "web/csrf.py",
        "if source is _Source.HERE or (source is _Source.UNKNOWN and _token_is_good()):",
        "if source is not None:",
        "tests/unit/web/test_callers.py",
    ),
    Mutant(
        "a product has five pictures at most",
        "shop/store/picture_transaction.py",
        'f"images.{limit - 1}": {"$exists": False}',
        'f"images.{limit}": {"$exists": False}',
        "tests/http/test_product_images.py",
    ),
    Mutant(
        "an edge is told of what was removed",
        "media/announcing/store.py",
        "if database.purges_caches and kind is Kind.PURGE:",
        "if database.purges_caches and kind is Kind.DELETED:",
        "tests/media/test_purging.py",
    ),
    Mutant(
        "no cache keeps what is private",
        "media/serving/delivery.py",
        '("Cache-Control", "private, no-store"),',
        '("Cache-Control", "private, max-age=60"),',
        "tests/http/test_delivery.py tests/http/test_signed_links.py",
    ),
    Mutant(
        "a role may do what it may",
        "web/auth.py",
        "if roles and not actor.has_role(*roles):",
        "if False:",
        "tests/http/test_who_may.py",
    ),
    Mutant(
        "a password somebody else has seen opens no second site",
        "accounts/people.py",
        "if user.password_is_own or user.superuser:",
        "if user is not None:",
        "tests/unit/accounts/test_people.py tests/http/test_emails.py",
    ),
    Mutant(
        "the answer to a challenge is good once",
        "accounts/challenges.py",
        "window_seconds=seconds).tries == 1",
        "window_seconds=seconds).tries >= 1",
        "tests/unit/accounts/test_challenges.py",
    ),
    Mutant(
        "a captcha that was solved for another site is not good here",
        "accounts/captchas.py",
        'told.get("hostname") in hosts and is_for_this',
        "is_for_this",
        "tests/unit/accounts/test_challenges.py",
    ),
    Mutant(
        "failed uploads with a ticket are counted",
        "uploads/tickets/routes.py",
        "guarding(tried, answer, failures=InvalidTicket)",
        "guarding(tried, answer, failures=TicketUsed)",
        "tests/http/test_tickets.py",
    ),
    Mutant(
        "nobody takes a password that was stolen elsewhere",
        "accounts/passwords.py",
        "if is_listed(spelling) or",
        "if",
        "tests/unit/accounts/test_passwords.py",
    ),
    Mutant(
        "a second factor is asked for",
        "accounts/second_factor.py",
        "raise SecondFactorRequired(user)",
        "return",
        "tests/unit/accounts/test_second_factor.py",
    ),
    Mutant(
        "a code works once",
        "accounts/store/second_factors.py",
        '"second_factor.last_step": {"$lt": step}',
        '"second_factor.last_step": {"$lte": step}',
        "tests/http/test_second_factor.py",
    ),
    Mutant(
        "a passkey answers a challenge once",
        "accounts/store/second_factors.py",
        '"challenged_at": {"$lt": challenged_at}',
        '"challenged_at": {"$lte": challenged_at}',
        "tests/http/test_second_factor.py",
    ),
    Mutant(
        "who needs a second factor does nothing without one",
        "web/auth.py",
        "if actor.needs_second_factor and not before_second_factor.is_on(current_view()):",
        "if False:",
        "tests/http/test_second_factor.py",
    ),
    Mutant(
        "a provider's word is for one browser",
        "accounts/oidc/provider.py",
        '"nonce": going.nonce,',
        '"nonce": None,',
        "tests/http/test_oidc.py",
    ),
    Mutant(
        "what one site began with a provider is good on no other",
        "accounts/oidc/service.py",
        'kept["site"] != site.id or is_late',
        "is_late",
        "tests/http/test_oidc.py",
    ),
    Mutant(
        "a provider opens no account that may do more than its groups give",
        "accounts/oidc/service.py",
        "is_covered = not user.superuser and",
        "is_covered = True or",
        "tests/http/test_oidc.py",
    ),
    Mutant(
        "a provider's word is no second factor",
        "accounts/pages/oidc.py",
        "if user.second_factor is not None and not shown:",
        "if False:",
        "tests/http/test_oidc.py",
    ),
    Mutant(
        "a token does what it was made for",
        "web/auth.py",
        "if needed and needed not in actor.scopes:",
        "if needed and not actor.scopes:",
        "tests/http/test_who_may.py",
    ),
    Mutant(
        "acknowledged is kept by a majority",
        "storage/connection.py",
        'DURABLE = WriteConcern(w="majority", j=True)',
        "DURABLE = WriteConcern(w=1, j=False)",
        "tests/http/test_costs.py",
    ),
    Mutant(
        "pictures have a largest side",
        "media/pictures/imaging/opening.py",
        "if too_many or max(width, height) > limits.max_side_pixels:",
        "if too_many:",
        "tests/unit/media",
    ),
    Mutant(
        "what has time left is not swept",
        "media/store/swept.py",
        'expired = {**UNCLAIMED, "expires_at": {"$lte": until}}',
        "expired = dict(UNCLAIMED)",
        "tests/media/test_sweeper.py",
    ),
    Mutant(
        "a quota holds for who has many files",
        "storage/quotas.py",
        '{"$or": [was_never_counted, fits]}',
        "True",
        "tests/storage/test_quotas.py",
    ),
    Mutant(
        "messages wait for no walk",
        "app/background.py",
        "self._handlers, classes=CLASSES, prepare",
        "self._handlers, prepare",
        "tests/jobs/test_background.py",
    ),
)


def planted(mutant: Mutant, folder: Path) -> None:
    """Make a copy of the repository in `folder`, with the mutant in it."""
    names = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, timeout=60
    ).stdout.split(b"\0")
    for name in filter(None, (each.decode() for each in names)):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    for name in LINKED:
        (folder / name).symlink_to(ROOT / name)
    file = folder / "avenue" / mutant.file
    text = file.read_text()
    assert text.count(mutant.line) == 1, f"{mutant.file} does not have once: {mutant.line}"
    file.write_text(text.replace(mutant.line, mutant.instead))


def noticed(mutant: Mutant) -> bool:
    """Run the tests over the mutant; return whether one failed."""
    with tempfile.TemporaryDirectory(prefix="avenue-mutant-") as folder:
        planted(mutant, Path(folder))
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-x", "-q", *NOT_LONG, *mutant.tests.split()],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=LONGEST_SECONDS,
        )
    begin = ["FAILED", "SUBFAILED"]
    if "\nE       AssertionError" in done.stdout:  # what watches over a test asserts after it
        begin.append("ERROR tests/")
    failed = [line for line in done.stdout.splitlines() if line.startswith(tuple(begin))]
    assert done.returncode == 0 or failed, done.stdout[-3000:]
    print(*failed[:1], sep="\n", flush=True)
    return bool(failed)


def main() -> int:
    """Return 0 when every mutant was noticed."""
    unnoticed = 0
    for mutant in MUTANTS:
        began = time.monotonic()
        was_noticed = noticed(mutant)
        unnoticed += not was_noticed
        word = "noticed" if was_noticed else "NOT NOTICED"
        print(f"{mutant.promise}: {word} in {time.monotonic() - began:.0f} s", flush=True)
    return min(unnoticed, 1)


if __name__ == "__main__":
    raise SystemExit(main())

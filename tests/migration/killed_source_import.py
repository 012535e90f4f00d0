"""A program that brings files of a stand-in in until it is killed, to be forked."""

import contextlib
import sys
from contextlib import closing
from pathlib import Path

from avenue.app.imports import SourceOrder, external_imports_of, source_import_of
from avenue.config import Settings
from avenue.migration.models import Kind
from avenue.migration.sources.plan import EntryPlan
from avenue.outside.dialling import dial
from avenue.outside.fetching import Fetcher
from avenue.storage.connection import Database

PUBLIC = "93.184.216.34"


def settings_of(uri: str, tmp_dir: Path, key: str) -> Settings:
    return Settings(
        mongodb_uri=uri,
        secret_key="K8-fjWq2_zPd0vLr5Tn7yXbGh3Sm6Ca9Qe1U",
        public_base_url="https://shop.example",
        tmp_dir=tmp_dir,
        pipeline_mode="lazy",
        import_supabase_key=key,
        write_seconds=4,  # what a killed run was writing is free soon
    )


def bring(what: str, settings: Settings, port: int) -> list[str]:
    """Bring in what records name elsewhere, or a bucket; return what was refused."""
    fetcher = Fetcher(
        seconds=30,
        tmp_dir=settings.tmp_dir,
        resolve=lambda _name, _port: [PUBLIC],
        connect=lambda _address, _port, seconds: dial("127.0.0.1", port, seconds),
    )
    with contextlib.ExitStack() as stack:
        database = stack.enter_context(closing(Database(settings)))
        plans = [stack.enter_context(closing(EntryPlan())) for _ in range(2)]
        if what == "external":
            opened = external_imports_of(settings, database, "default", plans, fetcher)
            parts = stack.enter_context(opened)
        else:
            order = SourceOrder(address=f"supabase:http://127.0.0.1:{port}/photos", kind=Kind.MEDIA)
            one = source_import_of(settings, database, "default", order, plans[0], fetcher)
            parts = [stack.enter_context(one)]
        for each in parts:
            for steps in (each.work.read(), each.work.bring()):
                for _ in steps:
                    pass
        return [each.code for plan in plans for each in plan.refused()]


if __name__ == "__main__":
    what, uri, port, tmp_dir, key = sys.argv[1:]
    bring(what, settings_of(uri, Path(tmp_dir), key), int(port))

"""A database of its own, and the command line over it."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from avenue.config import Settings, new_secret
from avenue.storage.connection import Database, Document
from tests.commands import Commands
from tests.forking import Process, forked
from tests.migration.old_shop import OldShop, owner_document
from tests.mongod import Mongod
from tests.prepared import prepared_uri
from tests.waiting import DEADLINE_SECONDS

OWNERS = {"product": "shop_products", "group": "shop_products_grouped"}


LAZY = {"AVENUE_PIPELINE_MODE": "lazy"}
"""For tests that are not about sizes: they are made when they are asked for."""


@dataclass
class Deployment:
    """A migrated database, and the command line over it."""

    uri: str
    database: Database
    commands: Commands
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """What a command is started with."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": os.environ.get("HOME", "/"),
            "MONGODB_URI": self.uri,
            "SECRET_KEY": new_secret(),
            "PUBLIC_BASE_URL": "https://shop.example",
            "AVENUE_WRITE_SECONDS": "4",  # what a killed run was writing is free soon
            **self.variables,
        }

    @property
    def raw(self) -> Any:
        return self.database.raw

    def fill(self, shop: OldShop) -> None:
        for kind, name in OWNERS.items():
            self.raw[name].insert_many(shop.documents(kind))
        self.raw["page_content"].insert_one(dict(shop.page))

    def add_owner(self, kind: str, owner_id: str, *urls: str) -> None:
        self.raw[OWNERS[kind]].insert_one(owner_document(kind, owner_id, urls))

    def owner(self, kind: str, owner_id: str) -> Document:
        found: Document = self.raw[OWNERS[kind]].find_one({"_id": owner_id})
        return found

    def assets_of(self, kind: str, owner_id: str) -> list[Document]:
        """The assets an owner shows, in order."""
        images = self.owner(kind, owner_id)["images"]
        return [self.raw["assets"].find_one({"_id": each["asset"]}) for each in images]

    def start(self, *arguments: str | Path) -> Process:
        """Start a command, to be killed."""
        return forked("avenue", *map(str, arguments), env=self.environment)

    def kill(self, process: Process) -> None:
        """Kill a command; what it held is free at once, and not after 15 s."""
        process.kill()
        process.wait(DEADLINE_SECONDS)
        now = [{"$set": {"run_at": "$$NOW"}}]
        self.raw["jobs"].update_many({"state": "running"}, now)

    def command(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        done = self.commands.run(*map(str, arguments), env=self.environment)
        return subprocess.CompletedProcess(
            done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
        )

    def run(self, *arguments: str | Path, code: int = 0) -> Any:
        """Run an import to its end and return its report."""
        done = self.command("import", *arguments, "--json")
        assert done.returncode == code, done.stderr
        return json.loads(done.stdout)

    def counts(self) -> dict[str, int]:
        return {
            name: self.raw[name].count_documents({})
            for name in sorted(self.raw.list_collection_names())
        }

    def everything(self) -> dict[str, Any]:
        """All that an import may change."""
        names = ("assets", "legacy_urls", "page_content", *OWNERS.values())
        return {name: list(self.raw[name].find().sort("_id")) for name in names}

    def bytes_of(self, asset_id: str) -> bytes:
        """The bytes of an asset as they are stored."""
        asset = self.raw["assets"].find_one({"_id": asset_id})
        file_id = f"default/{asset['versions'][0]['file']}"
        chunks = self.raw[f"{asset['bucket']}.chunks"].find({"files_id": file_id}).sort("n")
        return b"".join(each["data"] for each in chunks)


@contextmanager
def deployment(mongod: Mongod, commands: Commands, **variables: str) -> Iterator[Deployment]:
    with prepared_uri(mongod) as uri:
        database = Database(Settings(mongodb_uri=uri, local=True))
        try:
            yield Deployment(uri, database, commands, variables)
        finally:
            database.close()

"""A database with files, its repository, and the command line over both."""

import json
import os
import types
from pathlib import Path
from typing import Any, cast

import bson

from avenue.backup.create import Creation
from avenue.backup.models import Manifest
from avenue.backup.repository import Repository
from avenue.backup.targets.directory import DirectoryTarget
from avenue.backup.verify import ALL, Verification
from avenue.config import new_secret
from avenue.storage.connection import Database
from avenue.storage.copying.reading import HomeSource
from avenue.storage.leases import Leases
from tests.commands import Commands
from tests.health.planting import FILES, Store
from tests.http.application import OTHER_SITE, Application


class Deployment:
    """See the module."""

    def __init__(self, uri: str, database: Database, commands: Commands, folder: Path) -> None:
        self.uri = uri
        self.database = database
        self.commands = commands
        self.folder = folder
        self.target = DirectoryTarget(folder)
        self.key: bytes | None = None

    @property
    def raw(self) -> Any:
        return self.database.raw

    def fill(self, count: int = 12) -> Store:
        """Put products with so many pictures there; the last file does not tell its sha256."""
        self.raw["sites"].update_one({"_id": OTHER_SITE}, {"$set": {"name": "Other"}}, upsert=True)
        store = Store(cast(Application, types.SimpleNamespace(raw=self.raw)), count)
        for each in self.raw["assets"].find({"_id": {"$ne": store.assets[-1]}}):
            (version,) = each["versions"]
            self.raw[FILES].update_one(
                {"_id": f"{each['site']}/{version['file']}"},
                {"$set": {"metadata.sha256": version["sha256"]}},
            )
        return store

    def add_picture(self, store: Store) -> str:
        """Put one more picture there, of nobody; return its asset."""
        made: dict[str, list[dict[str, Any]]] = {}
        asset = store.add_asset(made, "default", ("product", "nobody"), os.urandom(2000))
        store.put(made)
        return asset

    def create(self, **more: Any) -> Manifest:
        """Back it up."""
        home = HomeSource(self.database)
        creation = Creation(home, Leases(self.database), self.target, settle_seconds=0)
        return creation.run(**more)

    @property
    def repository(self) -> Repository:
        return Repository.opened(self.target, self.key)

    def found(self) -> set[tuple[str, str]]:
        """What reading everything finds: kinds and names."""
        verified = Verification(self.repository).run(reads=ALL)
        return {(each.kind.value, each.what) for each in verified.findings}

    def objects(self) -> list[Path]:
        return sorted(each for each in (self.folder / "objects").rglob("*") if each.is_file())

    def records_in(self, manifest: Manifest, name: str) -> list[bytes]:
        """The BSON of each record of a collection, as it is in a snapshot."""
        (copy,) = (each for each in manifest.shares[0].collections if each.name == name)
        with self.repository.reading(manifest.id, copy.records) as stored:
            text = stored.read()
        assert len(text) == copy.size
        return [bson.encode(each) for each in bson.decode_all(text)]

    def records(self, name: str) -> list[bytes]:
        """The same, as they are in the database."""
        return [bson.encode(each) for each in self.raw[name].find()]

    def run(self, *arguments: str | Path, code: int = 0, uri: str = "", key: str = "") -> Any:
        """Run `backup …` to its end and return what it answered."""
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": os.environ.get("HOME", "/"),
            "MONGODB_URI": uri or self.uri,
            "SECRET_KEY": new_secret(),
            "PUBLIC_BASE_URL": "https://shop.example",
            "AVENUE_BACKUP_KEY": key,
        }
        done = self.commands.run("backup", *map(str, arguments), "--json", env=environment)
        assert done.returncode == code, done.stderr
        return json.loads(done.stdout) if done.stdout else done.stderr.decode()

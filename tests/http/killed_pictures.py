"""A process that takes pictures by SKU in until it is killed."""

import sys

from avenue.app.background import Background
from avenue.config import Settings
from avenue.storage.connection import Database


def _main(uri: str, job_id: str) -> None:
    settings = Settings(mongodb_uri=uri, local=True, workers=1)
    Background(settings, Database(settings)).finish(job_id)


if __name__ == "__main__":
    _main(*sys.argv[1:])

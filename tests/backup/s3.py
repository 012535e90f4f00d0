"""A real S3 server beside the tests: rclone (pip), serving a folder."""

import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from tests.waiting import DEADLINE_SECONDS, wait_until

KEY, SECRET, BUCKET = "AKIDEXAMPLE", "a-secret-of-tests", "shop-backups"
RCLONE = shutil.which("rclone", path=str(Path(sys.executable).parent))


def _free_port() -> int:
    with closing(socket.socket()) as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@contextmanager
def s3_server(folder: Path) -> Iterator[str]:
    """Yield the address of a server that has the bucket and takes the one key."""
    assert RCLONE is not None, "rclone comes with requirements-dev.txt"
    (folder / BUCKET).mkdir(parents=True)
    port = _free_port()
    process = subprocess.Popen(
        [
            RCLONE,
            "serve",
            "s3",
            "--auth-key",
            f"{KEY},{SECRET}",
            "--config",
            "/dev/null",
            "--addr",
            f"127.0.0.1:{port}",
            str(folder),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    def answers() -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return True
        return False

    try:
        wait_until(answers, "the S3 server")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait(DEADLINE_SECONDS)

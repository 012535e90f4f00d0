"""The data directory of the local mongod: its data, log and key, and which process runs on it."""

import contextlib
import fcntl
import json
import os
import re
import secrets
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from avenue.config import secret_kept_in
from avenue.storage.mongod_errors import LocalMongodError

KEY_FILE = "--keyFile"
KEY_BYTES = 32
LOCK_SECONDS = 60  # longer than one start, which is what another process may be doing
POLL_SECONDS = 0.05
LOG_BYTES = 8 * 1024 * 1024  # a larger log is moved aside at the next start; one old file is kept


@dataclass(frozen=True, slots=True)
class DataDir:
    """The data directory: mongod's data, its log, and the file with its process id and port."""

    root: Path

    @property
    def dbpath(self) -> Path:
        """Where mongod keeps its data."""
        return self.root / "mongo"

    @property
    def log(self) -> Path:
        """The log of mongod."""
        return self.root / "mongod.log"

    @property
    def notes(self) -> Path:
        """The file with its process id and port."""
        return self.root / "mongod.json"

    @property
    def key_file(self) -> Path:
        """The file with its password."""
        return self.root / "mongod.key"

    def key(self) -> str:
        """Return the password of this directory's mongod, created at the first call."""
        return secret_kept_in(self.key_file, lambda: secrets.token_hex(KEY_BYTES))

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Let one process at a time start or stop the mongod of this directory."""
        deadline = time.monotonic() + LOCK_SECONDS
        with (self.root / "mongod.starting").open("w") as held:
            while True:
                try:
                    fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > deadline:
                        raise LocalMongodError(
                            f"Another process has been starting or stopping the mongod of "
                            f"{self.root} for {LOCK_SECONDS} s."
                        ) from None
                    time.sleep(POLL_SECONDS)
            yield

    def remember(self, pid: int | None, port: int) -> None:
        """Store process id and port."""
        new = self.notes.with_suffix(".new")
        new.write_text(json.dumps({"pid": pid, "port": port}))
        new.replace(self.notes)

    def remembered_port(self) -> int | None:
        """Return the stored port, None if there is none."""
        return self._noted("port")

    def running(self) -> tuple[int, int] | None:
        """Return process id and port of the mongod that runs on this directory, if any.

        Its own lock file is checked as well: it has the process id even if we were killed before we
        could store it.
        """
        with contextlib.suppress(OSError, ValueError):
            locked_by = int((self.dbpath / "mongod.lock").read_text())
            if port := self._port_of(locked_by):
                return locked_by, port
        noted = self._noted("pid")
        port = self._port_of(noted) if noted else None
        return (noted, port) if noted and port else None

    def runs(self, pid: int) -> bool:
        """Return whether `pid` is a mongod of this directory, and no later process with that id."""
        return self._port_of(pid) is not None

    def holds_data(self) -> bool:
        """Return whether there is a database."""
        return (self.dbpath / "storage.bson").exists()

    def spawn(self, binary: Path, port: int, option: str) -> subprocess.Popen[bytes]:
        """Start mongod in its own session, where the terminal's Ctrl-C does not reach it."""
        self.key_file.chmod(0o600)  # mongod refuses a key that others can read, as a copy may be
        command = [
            *(str(binary), "--dbpath", str(self.dbpath), "--port", str(port), option),
            *(KEY_FILE, str(self.key_file)),
            # Old versions leak memory through compressed messages, to anybody (CVE-2025-14847).
            *("--bind_ip", "127.0.0.1", "--nounixsocket", "--networkMessageCompressors=disabled"),
            *("--wiredTigerCacheSizeGB", "0.25", "--oplogSize", "128"),
            *("--logpath", str(self.log), "--logappend", "--quiet"),
            # Otherwise up to 200 MB of its own measurements accumulate beside the data.
            *("--setParameter", "diagnosticDataCollectionEnabled=false"),
            # The transactions of a killed process stay locked that long. Ours last 15 s at most.
            *("--setParameter", "transactionLifetimeLimitSeconds=20"),
        ]
        with self.log.open("ab") as log:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def log_bytes(self) -> int:
        """Return the size of the log."""
        return self.log.stat().st_size if self.log.exists() else 0

    def end_of_log(self, log_from: int) -> str:
        """Return the errors mongod logged after byte `log_from`, or its last lines without any."""
        if not self.log.exists():
            return ""
        with self.log.open("rb") as log:
            log.seek(max(log_from, self.log_bytes() - 256 * 1024))
            lines = log.read().decode(errors="replace").splitlines()
        # A failing mongod logs its error and then 30 lines about shutting down.
        telling = [line for line in lines if line.strip() and _is_important(line)]
        quoted = "\n".join(f"  {line[:600]}" for line in (telling or lines)[-10:])
        return f"From {self.log}:\n{quoted}"

    def _noted(self, key: str) -> int | None:
        try:
            value = json.loads(self.notes.read_text())[key]
        except (OSError, ValueError, LookupError, TypeError):
            return None
        return value if isinstance(value, int) else None

    def _port_of(self, pid: int) -> int | None:
        command = command_of(pid)
        found = re.search(r" --port (\d+) ", command)
        return int(found[1]) if found and f" --dbpath {self.dbpath} " in command else None


def set_log_aside(log: Path) -> None:
    """Start a new log file if it has grown large; the previous one is kept as `….1`."""
    if log.exists() and log.stat().st_size > LOG_BYTES:
        log.replace(log.with_name(f"{log.name}.1"))


def command_of(pid: int) -> str:
    """Return the command line of a process; empty if it has ended (a zombie has none)."""
    if Path("/proc/self/cmdline").exists():
        with contextlib.suppress(OSError):
            return os.fsdecode(Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" "))
        return ""
    asked = subprocess.run(
        ["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, check=False
    )
    return os.fsdecode(asked.stdout.strip()) + " "


def _is_important(line: str) -> bool:
    return not line.startswith("{") or '"s":"E"' in line or '"s":"F"' in line

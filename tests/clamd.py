"""A clamd of our own: speaks its protocol, knows a few signatures, misbehaves when a test wants it.

And the real one of Debian, with nothing but the same signature, for `make test-long`.
"""

import contextlib
import os
import shutil
import socket
import socketserver
import struct
import subprocess
import tempfile
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

from tests.threads import joined
from tests.waiting import wait_until

# In two pieces, so that no scanner takes this file for what it tests.
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-" + b"ANTIVIRUS-TEST-FILE!$H+H*"
NAME = "Eicar-Test-Signature"
MIB = 1024 * 1024


@dataclass
class StandIn:
    """What the stand-in knows, and how it is to behave."""

    signatures: dict[bytes, str] = field(default_factory=lambda: {EICAR: NAME})
    database: int = 27000
    most_bytes: int = 100 * MIB
    answer: bytes | None = None
    """What it says in place of what it thinks."""
    hangs: bool = False
    refuses: bool = False
    scans: list[int] = field(default_factory=list)
    """The lengths of what it has scanned."""
    url: str = ""

    @property
    def version(self) -> str:
        return f"ClamAV 1.4.3/{self.database}/Thu Nov 26 08:00:00 2026"

    def learn(self, pattern: bytes, name: str) -> None:
        """Get new signatures."""
        self.signatures[pattern] = name
        self.database += 1

    def thinks(self, data: bytes) -> str:
        """What is found in bytes, and in what a ZIP has packed."""
        found = next((name for each, name in self.signatures.items() if each in data), "")
        if not found and zipfile.is_zipfile(BytesIO(data)):
            with zipfile.ZipFile(BytesIO(data)) as archive:
                said = (self.thinks(archive.read(each)) for each in archive.infolist())
                found = next(filter(None, said), "")
        return found


class Conversation(socketserver.StreamRequestHandler):
    """One command of a client; clamd reads no second one without IDSESSION."""

    def handle(self) -> None:
        known: StandIn = self.server.known  # type: ignore[attr-defined]
        if known.refuses:
            return
        if known.hangs:
            self.rfile.read()
            return
        with contextlib.suppress(ConnectionError):
            said = self._answer(known, self._command())
            self.wfile.write(known.answer if known.answer is not None else said.encode() + b"\0")

    def _command(self) -> str:
        """A command that begins with `z` ends with a NUL."""
        read = b""
        while not read.endswith(b"\0"):
            some = self.rfile.read(1)
            if not some:
                return ""
            read += some
        assert read.startswith(b"z")
        return read[1:-1].decode()

    def _answer(self, known: StandIn, command: str) -> str:
        if command == "PING":
            return "PONG"
        if command == "VERSION":
            return known.version
        if command != "INSTREAM":
            return "UNKNOWN COMMAND"
        data = b""
        while length := struct.unpack("!I", self.rfile.read(4))[0]:
            if len(data) + length > known.most_bytes:
                return "INSTREAM size limit exceeded. ERROR"
            some = self.rfile.read(length)
            assert len(some) == length
            data += some
        known.scans.append(len(data))
        found = known.thinks(data)
        return f"stream: {found} FOUND" if found else "stream: OK"


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


class _UnixServer(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


@contextlib.contextmanager
def stand_in(path: Path | None = None) -> Iterator[StandIn]:
    """Yield one that listens on a port of this machine, or on the socket `path`."""
    known = StandIn()
    server: socketserver.BaseServer
    if path:
        server = _UnixServer(str(path), Conversation)
        known.url = f"clamd://{path}"
    else:
        server = _Server(("127.0.0.1", 0), Conversation)
        known.url = f"clamd://127.0.0.1:{server.server_address[1]}"
    server.known = known  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield known
    finally:
        server.shutdown()
        joined(thread)
        server.server_close()


@contextlib.contextmanager
def real(*, most_mb: int = 100) -> Iterator[tuple[str, Path]]:
    """Yield the URL of Debian's clamd (`clamav-daemon`) with one signature, and its folder."""
    binary = shutil.which("clamd") or "/usr/sbin/clamd"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        signatures, config = folder / "signatures", folder / "clamd.conf"
        signatures.mkdir()
        know(signatures, EICAR, NAME)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        config.write_text(
            f"DatabaseDirectory {signatures}\nTCPSocket {port}\nTCPAddr 127.0.0.1\n"
            f"Foreground yes\nLogFile {folder / 'log'}\nTemporaryDirectory {folder}\n"
            f"StreamMaxLength {most_mb}M\nMaxThreads 4\nConcurrentDatabaseReload yes\n"
            f"SelfCheck 5\nUser {os.environ.get('USER', 'root')}\n"
        )
        process = subprocess.Popen(
            [binary, "--config-file", str(config)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

        def listens() -> bool:
            assert process.poll() is None, (folder / "log").read_text()
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), 1).close()
                return True
            return False

        try:
            wait_until(listens)
            yield f"clamd://127.0.0.1:{port}", signatures
        finally:
            process.terminate()
            process.wait(30)


def know(signatures: Path, pattern: bytes, name: str) -> None:
    """Add a signature that is found anywhere in a file of any type."""
    with (signatures / "own.ndb").open("a") as file:
        file.write(f"{name}:0:*:{pattern.hex()}\n")

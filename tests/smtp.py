"""A mail server of our own: keeps what it is given, and misbehaves when a test wants that."""

import base64
import contextlib
import email
import email.policy
import socketserver
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from queue import Queue
from typing import Any

from tests.threads import joined


@dataclass
class Mailbox:
    """What one server was told, and how it answers: `replies` by command in place of the usual."""

    context: ssl.SSLContext | None = None
    tls_from_the_start: bool = False
    replies: dict[str, str] = field(default_factory=dict)
    emails: "Queue[tuple[list[str], EmailMessage]]" = field(default_factory=Queue)
    commands: list[str] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    were_encrypted: list[bool] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def next_email(self) -> tuple[list[str], EmailMessage]:
        """The recipients and the email that came next, waited for."""
        return self.emails.get(timeout=60)


class Conversation(socketserver.StreamRequestHandler):
    """One client (RFC 5321, as much of it as smtplib speaks)."""

    box: Mailbox

    def setup(self) -> None:
        self.encrypted = False
        self.box = self.server.box  # type: ignore[attr-defined]
        if self.box.tls_from_the_start:
            self._encrypt()
        super().setup()

    def handle(self) -> None:
        self.say(self.box.replies.get("CONNECT", "220 mail.test"))
        self.recipients: list[str] = []
        while line := self.rfile.readline():
            command = line.decode().rstrip("\r\n")
            verb = command.split(" ")[0].upper()
            self.box.commands.append(command)
            if not self.answer(verb, command):
                return

    def finish(self) -> None:
        super().finish()
        self.request.close()

    def answer(self, verb: str, command: str) -> bool:
        if verb in self.box.replies:
            self.say(self.box.replies[verb])
        elif verb == "EHLO":
            offers = ["mail.test", "AUTH PLAIN"]
            offers += ["STARTTLS"] if self.box.context and not self.encrypted else []
            for each in offers[:-1]:
                self.say(f"250-{each}")
            self.say(f"250 {offers[-1]}")
        elif verb == "STARTTLS":
            self.say("220 go on")
            self._encrypt()
            super().setup()
        elif verb == "AUTH":
            self.box.logins.append(base64.b64decode(command.rsplit(maxsplit=1)[-1]).decode())
            self.say("235 welcome")
        elif verb == "RCPT":
            self.recipients.append(command.partition(":")[2].strip().strip("<>"))
            self.say("250 ok")
        elif verb == "DATA":
            self.take()
        else:
            self.say("250 ok" if verb != "QUIT" else "221 bye")
        return verb != "QUIT"

    def take(self) -> None:
        self.say("354 go on")
        text = b""
        while (line := self.rfile.readline()) != b".\r\n":
            text += line.removeprefix(b".")
        parsed = email.message_from_bytes(text, policy=email.policy.default)
        assert isinstance(parsed, EmailMessage)
        self.box.were_encrypted.append(self.encrypted)
        self.box.emails.put((self.recipients, parsed))
        self.say("250 taken")

    def say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())
        self.wfile.flush()

    def _encrypt(self) -> None:
        assert self.box.context
        self.request = self.box.context.wrap_socket(self.request, server_side=True)
        self.encrypted = True


class Quiet(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that does not like our certificate hangs up: that is meant."""


@contextlib.contextmanager
def mail_server(**options: Any) -> Iterator[Mailbox]:
    box = Mailbox(**options)
    with Quiet(("127.0.0.1", 0), Conversation) as server:
        server.box = box  # type: ignore[attr-defined]
        box.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield box
        finally:
            server.shutdown()
            joined(thread)

"""The mail server (relay): `smtp://user:password@host:587` or `smtps://…`."""

import ipaddress
import re
import smtplib
import ssl
from dataclasses import dataclass, field
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid
from typing import Self
from urllib.parse import unquote, urlsplit

from avenue.mail.errors import MailRefused, MailUnavailable
from avenue.mail.models import Email

TIMEOUT_SECONDS = 15.0
SUBMISSION_PORT, TLS_PORT = 587, 465
ADDRESS_CODES = frozenset({550, 551, 553})
"""Replies to `RCPT` that may mean an invalid recipient (RFC 5321, section 4.2.2)."""
ENHANCED_CODE = re.compile(rb"5\.\d{1,3}\.\d{1,3}(?!\d)")
ADDRESS_STATUSES = frozenset({b"5.1.1", b"5.1.2", b"5.1.3", b"5.1.4", b"5.1.6", b"5.1.10"})
"""Enhanced codes about the recipient's address (RFC 3463, section 3.2, and RFC 7505); others are
about the sender, the mailbox, the server or its rules.
"""
HOST_NAME = re.compile(r"[\w.-]+|\[[0-9A-Fa-f.:IPv]+\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Relay:
    """A mail server and the sender.

    `is_loopback`: it is on this machine and may be used without TLS. To any other server nothing is
    sent, and no password, before the connection is encrypted and the server's certificate has been
    verified.
    """

    host: str
    port: int
    user: str = field(repr=False)
    password: str = field(repr=False)
    tls_from_the_start: bool
    is_loopback: bool
    sender: str
    timeout_seconds: float = TIMEOUT_SECONDS

    @classmethod
    def of(cls, url: str, sender: str) -> Self:
        """Return the relay of AVENUE_SMTP_URL and AVENUE_MAIL_FROM."""
        parts = urlsplit(url)
        tls = parts.scheme == "smtps"
        host = parts.hostname or ""
        return cls(
            host=host,
            port=parts.port or (TLS_PORT if tls else SUBMISSION_PORT),
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            tls_from_the_start=tls,
            is_loopback=_is_loopback(host),
            sender=sender,
        )

    def send(self, email: Email) -> None:
        """Send `email`; the server has accepted it when this returns.

        Raise `MailRefused` if the recipient's address is invalid, `MailUnavailable` for everything
        else: with an `smtp_code` if the server refused this email. The texts of the libraries
        contain addresses, so none of them is passed on.
        """
        message, recipient = self._written(email)
        try:
            with self._connected() as server:
                server.send_message(message, to_addrs=[recipient])
        except smtplib.SMTPRecipientsRefused as error:
            raise _recipient_refusal(*error.recipients[recipient]) from None
        except (smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as error:
            raise MailUnavailable(smtp_code=error.smtp_code) from None
        except smtplib.SMTPAuthenticationError as error:
            raise MailUnavailable(
                "The mail server does not know our user and password.", kind=type(error).__name__
            ) from None
        except smtplib.SMTPNotSupportedError:
            raise MailRefused("The mail server cannot do what this email needs.") from None
        except (smtplib.SMTPException, OSError) as error:
            raise MailUnavailable(kind=type(error).__name__) from None

    def _connected(self) -> smtplib.SMTP:
        if self.tls_from_the_start:
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                self.host, self.port, timeout=self.timeout_seconds, context=self._context()
            )
        else:
            server = smtplib.SMTP(self.host, self.port, timeout=self.timeout_seconds)
        try:
            self._greet(server)
        except BaseException:
            server.close()
            raise
        return server

    def _greet(self, server: smtplib.SMTP) -> None:
        server.ehlo_or_helo_if_needed()
        if not self.tls_from_the_start:
            if server.has_extn("starttls"):
                server.starttls(context=self._context())
            elif not self.is_loopback:
                raise MailUnavailable("The mail server offers no encryption (STARTTLS).")
        if self.user:
            self._log_in(server)

    def _log_in(self, server: smtplib.SMTP) -> None:
        try:
            server.login(self.user, self.password)
        except smtplib.SMTPNotSupportedError:
            raise MailUnavailable("The mail server takes no user and password.") from None

    def _context(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        if self.is_loopback:  # nothing is in between, and such a certificate is rarely valid
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    def _written(self, email: Email) -> tuple[EmailMessage, str]:
        """Return the message and its single recipient, whatever the text contains."""
        name, _, domain = email.to.rpartition("@")
        if not name or "@" in name or not HOST_NAME.fullmatch(domain):
            raise MailRefused
        message = EmailMessage(policy=SMTP)
        try:
            to = Address(username=name, domain=domain)
            message["To"] = to
            message["From"] = self.sender
            message["Subject"] = email.subject
            message["Date"] = formatdate()
            message["Message-ID"] = make_msgid(domain=_domain_of(message))
            message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no automatic replies
            message.set_content(email.text)
        except (ValueError, MessageError, UnicodeError):  # for example a newline in a header
            raise MailRefused from None
        return message, to.addr_spec


def _domain_of(message: EmailMessage) -> str:
    addresses = message["From"].addresses
    return addresses[0].domain if addresses else "localhost"


def _recipient_refusal(code: int, text: bytes) -> MailRefused | MailUnavailable:
    status = ENHANCED_CODE.match(text)
    # Servers without enhanced codes refuse every recipient this way while they do not know us.
    is_about_address = status[0] in ADDRESS_STATUSES if status else b"relay" not in text.lower()
    if code in ADDRESS_CODES and is_about_address:
        return MailRefused(smtp_code=code)
    return MailUnavailable(smtp_code=code)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

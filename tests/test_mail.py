"""Emails by SMTP to a real, small server: how they look, what is encrypted, what goes wrong."""

import logging
import ssl
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import trustme

from avenue.errors import AvenueError
from avenue.mail.errors import MailRefused, MailUnavailable
from avenue.mail.models import Email
from avenue.mail.relay import Relay
from tests.smtp import Mailbox, mail_server

LOGIN = "shop:pa55@"
SENDER = "Zapatos Añá <shop@shop.example>"
EMAIL = Email(to="ana@shop.example", subject="¿Qué tal?", text="Hola Añá\n.\nAdiós\n")


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with mail_server() as box:
        yield box


def certificate(authority: trustme.CA, host: str = "127.0.0.1") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(host).configure_cert(context)
    return context


def relay_to(box: Mailbox, *, away: bool = False, login: str = "") -> Relay:
    """The way to `box`; `away`: as if it led to another machine."""
    scheme = "smtps" if box.tls_from_the_start else "smtp"
    relay = Relay.of(f"{scheme}://{login}127.0.0.1:{box.port}", SENDER)
    assert relay.is_loopback
    return replace(relay, is_loopback=not away, timeout_seconds=5)


def test_an_email_arrives_as_it_was_written(box: Mailbox) -> None:
    relay_to(box).send(EMAIL)
    recipients, email = box.next_email()
    assert recipients == ["ana@shop.example"]
    assert email["To"] == "ana@shop.example"
    assert email["From"] == SENDER
    assert email["Subject"] == "¿Qué tal?"
    assert email.get_content().replace("\r\n", "\n") == EMAIL.text
    assert email["Auto-Submitted"] == "auto-generated"
    assert email["Message-ID"].endswith("@shop.example>")
    assert email["Date"]
    assert box.logins == []


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://mail.example", ("mail.example", 587, "", "", False, False)),
        ("smtps://mail.example", ("mail.example", 465, "", "", True, False)),
        ("smtp://a%40b:p%2Fw@localhost:25", ("localhost", 25, "a@b", "p/w", False, True)),
        ("smtp://[::1]:1025", ("::1", 1025, "", "", False, True)),
        ("smtp://127.0.0.1.example", ("127.0.0.1.example", 587, "", "", False, False)),
        ("smtp://localhost.example", ("localhost.example", 587, "", "", False, False)),
    ],
)
def test_what_an_address_of_a_mail_server_means(url: str, expected: tuple[object, ...]) -> None:
    relay = Relay.of(url, SENDER)
    assert (
        relay.host,
        relay.port,
        relay.user,
        relay.password,
        relay.tls_from_the_start,
        relay.is_loopback,
    ) == expected
    assert "p/w" not in repr(relay)
    assert "a@b" not in repr(relay)


@pytest.mark.parametrize("from_the_start", [False, True])
@pytest.mark.parametrize("away", [False, True])
def test_encryption_is_used_where_it_is_offered(
    authority: trustme.CA,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    from_the_start: bool,
    away: bool,
) -> None:
    if away:  # only there must the certificate be good
        authority.cert_pem.write_to_path(tmp_path / "ca.pem")
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    options = {"context": certificate(authority), "tls_from_the_start": from_the_start}
    with mail_server(**options) as box:
        relay_to(box, away=away, login="shop:pa55@").send(EMAIL)
        box.next_email()
        assert box.were_encrypted == [True]
        assert box.logins == ["\0shop\0pa55"]


@pytest.mark.parametrize("trouble", ["no STARTTLS", "unknown authority", "another host"])
def test_another_machine_is_told_nothing_without_good_encryption(
    authority: trustme.CA, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, trouble: str
) -> None:
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    if trouble == "another host":
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    host = "mail.example" if trouble == "another host" else "127.0.0.1"
    context = None if trouble == "no STARTTLS" else certificate(authority, host)
    with mail_server(context=context) as box:
        with pytest.raises(MailUnavailable):
            relay_to(box, away=True, login="shop:pa55@").send(EMAIL)
        assert box.emails.empty()
        assert box.logins == []
        assert not [each for each in box.commands if each.upper().startswith(("MAIL", "AUTH"))]


@pytest.mark.parametrize(
    ("replies", "kind"),
    [
        ({"CONNECT": "554 go away"}, MailUnavailable),
        ({"EHLO": "421 busy", "HELO": "421 busy"}, MailUnavailable),
        ({"AUTH": "535 5.7.8 shop is unknown"}, MailUnavailable),
        ({"MAIL": "550 shop@shop.example may not"}, MailUnavailable),
        ({"MAIL": "530 5.7.0 log in first"}, MailUnavailable),
        ({"MAIL": "451 later"}, MailUnavailable),
        ({"RCPT": "550 no ana@shop.example here"}, MailRefused),
        ({"RCPT": "550 5.1.1 no ana@shop.example here"}, MailRefused),
        ({"RCPT": "550 5.1.8 shop@shop.example has no domain"}, MailUnavailable),
        ({"RCPT": "550 5.7.1 we relay nothing to ana@shop.example"}, MailUnavailable),
        ({"RCPT": "550 Relaying to <ana@shop.example> denied"}, MailUnavailable),
        ({"RCPT": "554 we relay nothing to ana@shop.example"}, MailUnavailable),
        ({"RCPT": "450 ana@shop.example: later"}, MailUnavailable),
        ({"DATA": "554 no"}, MailUnavailable),
        ({"DATA": "550 5.4.5 enough for today"}, MailUnavailable),
        ({"DATA": "421 bye"}, MailUnavailable),
    ],
)
def test_what_the_server_says_is_told_without_names(
    replies: dict[str, str], kind: type[AvenueError], caplog: pytest.LogCaptureFixture
) -> None:
    with mail_server(replies=replies) as box, caplog.at_level(logging.DEBUG):
        with pytest.raises(kind) as refused:
            relay_to(box, login=LOGIN).send(EMAIL)
        logging.getLogger("tests").error("with its traceback", exc_info=refused.value)
        assert box.emails.empty()
    formatted = logging.Formatter().format(caplog.records[-1])
    for name in ("ana@", "pa55", "shop@", "Hola"):
        assert name not in f"{refused.value} {refused.value.facts} {formatted}"


def test_a_server_that_is_away_is_unavailable(box: Mailbox) -> None:
    relay = relay_to(box)
    with pytest.raises(MailUnavailable):
        replace(relay, port=1).send(EMAIL)


@pytest.mark.parametrize(
    "email",
    [
        replace(EMAIL, subject="Hola\r\nBcc: eve@evil.example"),
        replace(EMAIL, subject="Hola\nBcc: eve@evil.example"),
        replace(EMAIL, to="ana@shop.example\r\nBcc: eve@evil.example"),
        replace(EMAIL, to="ana\r\nBcc: eve@shop.example"),
        replace(EMAIL, to="ana@shop.example>,<eve@evil.example"),
        replace(EMAIL, to="nobody"),
        replace(EMAIL, to=""),
    ],
)
def test_no_header_can_be_smuggled_in(box: Mailbox, email: Email) -> None:
    with pytest.raises(MailRefused):
        relay_to(box).send(email)
    assert box.emails.empty()


def test_a_comma_does_not_make_two_recipients(box: Mailbox) -> None:
    relay_to(box).send(replace(EMAIL, to="eve.evil.example,ana@shop.example"))
    recipients, email = box.next_email()
    assert recipients == ['"eve.evil.example,ana"@shop.example']
    assert len(email["To"].addresses) == 1

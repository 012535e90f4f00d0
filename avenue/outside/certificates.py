"""Which certificate a host shows, whether it is good or not: on public addresses only."""

import ssl
from contextlib import ExitStack
from datetime import datetime

from cryptography.x509 import load_der_x509_certificate

from avenue.outside.dialling import HEAD_SECONDS, Dialler, Patience
from avenue.outside.errors import NoAnswer
from avenue.outside.urls import target_of


def _any() -> ssl.SSLContext:
    """Return what takes every certificate: one that is over is what is looked for."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


DIALLER = Dialler(tls=_any)


def good_until(url: str, dialler: Dialler = DIALLER) -> datetime:
    """Return until when the certificate is good that the host of `url` shows.

    Raise `AddressNotAllowed`, `NoAnswer`, `BadUrl`. Nothing is sent there, nor believed from there.
    """
    target = target_of(url, any_port=True)
    patience = Patience(HEAD_SECONDS, HEAD_SECONDS)
    try:
        with ExitStack() as open_things:
            shown = dialler.connected(target, patience, open_things).certificate()
        return load_der_x509_certificate(shown).not_valid_after_utc
    except (TimeoutError, OSError, ValueError):
        raise NoAnswer(reason="unreachable") from None

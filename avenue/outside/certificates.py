"""The certificate that a host on a public address presents, whether valid or not."""

import ssl
from contextlib import ExitStack
from datetime import datetime

from cryptography.x509 import load_der_x509_certificate

from avenue.outside.dialling import HEAD_SECONDS, Dialler, TimeBudget
from avenue.outside.errors import NoAnswer
from avenue.outside.urls import target_of


def _any() -> ssl.SSLContext:
    """Return a context that accepts every certificate: expired ones are to be read, too."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


DIALLER = Dialler(tls=_any)


def good_until(url: str, dialler: Dialler = DIALLER) -> datetime:
    """Return when the certificate of the host of `url` expires.

    Raise `AddressNotAllowed`, `NoAnswer`, `BadUrl`. Nothing is sent to the host or trusted.
    """
    target = target_of(url, any_port=True)
    budget = TimeBudget(HEAD_SECONDS, HEAD_SECONDS)
    try:
        with ExitStack() as open_things:
            shown = dialler.connected(target, budget, open_things).certificate()
        return load_der_x509_certificate(shown).not_valid_after_utc
    except (TimeoutError, OSError, ValueError):
        raise NoAnswer(reason="unreachable") from None

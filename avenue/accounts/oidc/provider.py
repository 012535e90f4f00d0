"""OpenID Connect client for one provider: discovery, the code flow with PKCE, ID tokens.

Requests are limited in time, size and number, since a person and a thread wait for them. URLs from
the metadata are requested only by https (or as the issuer itself is), and on hosts other than the
issuer's only at public addresses. Redirects are not followed. The provider does not choose the
algorithm: those of `ALGORITHMS` are accepted, all with public keys.
"""

import base64
import json
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus, urlencode, urlsplit

from avenue.accounts.errors import OidcAway, OidcFailed
from avenue.accounts.oidc.models import Claims
from avenue.clock import utc_now
from avenue.errors import AvenueError
from avenue.networks import is_private_host
from avenue.outside.asking import Asker
from avenue.slots import slot

if TYPE_CHECKING:
    from joserfc.jwk import KeySet

ALGORITHMS = tuple(f"{kind}{bits}" for kind in ("RS", "PS", "ES") for bits in (256, 384, 512))
KEY_TYPES = frozenset({"RSA", "EC"})
LEEWAY_SECONDS = 60
"""How much the provider's clock may differ from ours."""
GOOD_FOR_SECONDS = 3600.0
"""How long metadata and keys are cached."""
THERE_SECONDS = 30.0
"""How long a provider counts as reachable after an answer. Otherwise people are not redirected: the
browser would show its own error, without a way to sign in with a password."""
KEYS_AGAIN_SECONDS = 60.0
"""Minimum age of the keys before a token that none of them has signed makes us load them again."""
TALK_SECONDS = 8.0
"""Time for all requests of one sign-in together."""
TALKS_AT_ONCE = 2
LONGEST_WAIT_SECONDS = 2.0
AWAY_SECONDS = 5.0
"""How long a provider that did not answer is not called again."""
MOST_BYTES = 512 * 1024
MOST_KEYS = 100
MOST_GROUPS = 2000
MOST_SUBJECT_CHARACTERS = 255  # OpenID Connect Core, section 2
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
WELL_KNOWN = "/.well-known/openid-configuration"
FORM = "application/x-www-form-urlencoded"
MOST_NOTED_CHARACTERS = 60

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """The deployment as a client of the provider, and the names of claims."""

    issuer: str
    id: str
    secret: str = field(repr=False)
    scopes: str
    groups_claim: str
    email_verified_claim: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Going:
    """A sign-in in progress; `verifier` is of PKCE (RFC 7636)."""

    redirect_uri: str
    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)


class Provider:
    """A provider, and what this process has cached of it."""

    def __init__(
        self,
        client: Client,
        *,
        now: Callable[[], datetime] = utc_now,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._now = now
        self._clock = clock
        self._host = urlsplit(client.issuer).hostname or ""
        self._slots = threading.BoundedSemaphore(TALKS_AT_ONCE)
        self._away_until = float("-inf")
        self._metadata: tuple[Mapping[str, Any], float] | None = None
        self._keys: tuple[KeySet, float] | None = None

    def authorization_url(self, going: Going, *, again: bool = False) -> str:
        """Return the URL for the browser; `again`: the person must authenticate again.

        Raise `OidcAway`.
        """
        from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
        from authlib.oauth2.rfc7636 import create_s256_code_challenge

        metadata = self._known_metadata(THERE_SECONDS)
        if metadata is None:
            with self._talk() as until:
                metadata = self._asked_metadata(until)
        url: str = prepare_grant_uri(
            metadata["authorization_endpoint"],
            self._client.id,
            "code",
            redirect_uri=going.redirect_uri,
            scope=self._client.scopes,
            state=going.state,
            nonce=going.nonce,
            code_challenge=create_s256_code_challenge(going.verifier),
            code_challenge_method="S256",
            prompt="login" if again else None,
        )
        return url

    def claims(self, going: Going, code: str, named_issuer: str | None) -> Claims:
        """Return the claims of the person who came back with `code`.

        Raise `OidcFailed` or `OidcAway`.

        `named_issuer` is the issuer in the response (RFC 9207).
        """
        with self._talk() as until:
            metadata = self._known_metadata() or self._asked_metadata(until)
            must_name = metadata.get("authorization_response_iss_parameter_supported") is True
            if named_issuer != metadata["issuer"] and (named_issuer is not None or must_name):
                raise _failed("it came from another issuer")
            tokens = self._tokens(metadata, going, code, until)
            verified = self._verified(metadata, going, tokens, until)
            more = self._more(metadata, verified, tokens, until)
        return self._read(verified, more)

    def _tokens(
        self, metadata: Mapping[str, Any], going: Going, code: str, until: float
    ) -> Mapping[str, Any]:
        """Exchange the code; the client authenticates as the provider requires."""
        sent = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": going.redirect_uri,
            "code_verifier": going.verifier,
        }
        client, headers = self._client, {"Content-Type": FORM}
        ways = metadata.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        if not client.secret:
            sent["client_id"] = client.id
        elif "client_secret_basic" in ways or "client_secret_post" not in ways:
            headers["Authorization"] = _basic(client.id, client.secret)
        else:
            sent |= {"client_id": client.id, "client_secret": client.secret}
        return self._ask(metadata["token_endpoint"], until, headers, urlencode(sent).encode())

    def _verified(
        self, metadata: Mapping[str, Any], going: Going, tokens: Mapping[str, Any], until: float
    ) -> Mapping[str, Any]:
        """Return the verified claims of the ID token: issuer, audience, browser and time match."""
        from authlib.oidc.core import CodeIDToken
        from joserfc import jws, jwt
        from joserfc.errors import JoseError

        issuer, client_id = metadata["issuer"], self._client.id
        registry = jws.JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)

        def read(keys: "KeySet") -> jwt.Token:
            return jwt.decode(tokens.get("id_token") or "", keys, registry=registry)

        try:
            keys, asked_at = self._known_keys() or self._asked_keys(metadata, until)
            try:
                token = read(keys)
            except (JoseError, ValueError):  # it may be signed with a newer key
                if self._clock() - asked_at < KEYS_AGAIN_SECONDS:
                    raise
                token = read(self._asked_keys(metadata, until)[0])
            claims = CodeIDToken(
                token.claims,
                token.header,
                options={
                    "iss": {"essential": True, "value": issuer},
                    "aud": {"essential": True, "value": client_id},
                },
                params={
                    "nonce": going.nonce,
                    "client_id": client_id,
                    "access_token": tokens.get("access_token"),
                },
            )
            claims.validate(now=int(self._now().timestamp()), leeway=LEEWAY_SECONDS)
        except (JoseError, ValueError, TypeError, AttributeError) as error:
            raise _failed(f"its token is not good: {type(error).__name__}") from None
        subject = claims["sub"]
        if not isinstance(subject, str) or not 0 < len(subject) <= MOST_SUBJECT_CHARACTERS:
            raise _failed("its token names nobody")
        verified: Mapping[str, Any] = claims
        return verified

    def _more(
        self,
        metadata: Mapping[str, Any],
        verified: Mapping[str, Any],
        tokens: Mapping[str, Any],
        until: float,
    ) -> Mapping[str, Any]:
        """Return claims from the userinfo endpoint, if the token lacks some."""
        wanted = ("email", self._client.email_verified_claim, self._client.groups_claim)
        url, access_token = metadata.get("userinfo_endpoint"), tokens.get("access_token")
        is_whole = all(_found(verified, each) is not None for each in wanted)
        if is_whole or not url or not isinstance(access_token, str):
            return {}
        told = self._ask(url, until, {"Authorization": f"Bearer {access_token}"})
        if told.get("sub") != verified["sub"]:  # OpenID Connect Core, section 5.3.2
            raise _failed("it tells of somebody else than its token")
        return told

    def _read(self, verified: Mapping[str, Any], more: Mapping[str, Any]) -> Claims:
        told = {**more, **verified}
        is_verified = _found(told, self._client.email_verified_claim)
        # Texts are accepted, too: some providers send them; "false" is one of them.
        has_email = is_verified is True or str(is_verified).lower() in {"true", "1"}
        email, name, methods = told.get("email"), told.get("name"), verified.get("amr")
        return Claims(
            issuer=verified["iss"],
            subject=verified["sub"],
            email=email if has_email and isinstance(email, str) else "",
            name=name if isinstance(name, str) else "",
            groups=_texts(_found(told, self._client.groups_claim)),
            methods=_texts(methods),
        )

    def _known_metadata(self, seconds: float = GOOD_FOR_SECONDS) -> Mapping[str, Any] | None:
        known = self._metadata
        return known[0] if known and self._clock() - known[1] < seconds else None

    def _asked_metadata(self, until: float) -> Mapping[str, Any]:
        told = self._ask(self._client.issuer.rstrip("/") + WELL_KNOWN, until)
        named = told.get("issuer")
        if not isinstance(named, str) or named.rstrip("/") != self._client.issuer.rstrip("/"):
            raise self._away("its metadata name another issuer")
        for each in ENDPOINTS:
            self._check_endpoint(told.get(each))
        if told.get("userinfo_endpoint"):
            self._check_endpoint(told["userinfo_endpoint"])
        self._metadata = (told, self._clock())
        return told

    def _check_endpoint(self, url: object) -> None:
        scheme = urlsplit(url).scheme if isinstance(url, str) else ""
        if scheme != "https" and (not scheme or scheme != urlsplit(self._client.issuer).scheme):
            raise self._away("its metadata lack an address, or name one that is not encrypted")

    def _known_keys(self) -> "tuple[KeySet, float] | None":
        known = self._keys
        return known if known and self._clock() - known[1] < GOOD_FOR_SECONDS else None

    def _asked_keys(self, metadata: Mapping[str, Any], until: float) -> "tuple[KeySet, float]":
        from joserfc.errors import JoseError
        from joserfc.jwk import Key, KeySet, import_key

        told = self._ask(metadata["jwks_uri"], until).get("keys")
        keys: list[Key] = []
        for each in told[:MOST_KEYS] if isinstance(told, list) else ():
            if not isinstance(each, dict) or each.get("kty") not in KEY_TYPES:
                continue  # a shared secret signs nothing that is verified here
            if each.get("use", "sig") == "sig":
                try:
                    keys.append(import_key(each))
                except (JoseError, ValueError, TypeError):
                    log.warning("The identity provider has a key that cannot be read")
        if not keys:
            raise self._away("it has no key for its tokens")
        self._keys = (KeySet(keys), self._clock())
        return self._keys

    @contextmanager
    def _talk(self) -> Iterator[float]:
        """Take one of the few slots and yield the deadline for requests; raise `OidcAway`."""
        if self._clock() < self._away_until:
            raise OidcAway
        with slot(self._slots, OidcAway, seconds=LONGEST_WAIT_SECONDS):
            yield self._clock() + TALK_SECONDS

    def _ask(
        self, url: str, until: float, headers: Mapping[str, str] | None = None, body: Any = None
    ) -> Mapping[str, Any]:
        """Return the JSON object of an answer.

        Raise `OidcAway`, or `OidcFailed` for a rejection.
        """
        host = urlsplit(url).hostname or ""
        if host != self._host and is_private_host(host):
            raise self._away("its metadata name an address of a private network")
        asker = Asker(
            base_url=url,
            headers={"Accept": "application/json", **(headers or {})},
            status_of=_status_noted,
            is_ours=host == self._host,
            seconds=max(until - self._clock(), 0.0),
            most_json_bytes=MOST_BYTES,
        )
        try:
            told = asker.json("", body)
        except AvenueError as error:
            status = error.facts.get("http_status")
            is_refused = isinstance(status, int) and 400 <= status < 500  # noqa: PLR2004
            if is_refused and headers and status != HTTPStatus.TOO_MANY_REQUESTS:
                raise OidcFailed from None
            # A bad code from one person may make one request fail, and must not block others.
            if status is None or not headers:
                self._away_until = self._clock() + AWAY_SECONDS
            raise self._away(f"{error.code} {status or ''}".strip()) from None
        if not isinstance(told, dict):
            raise self._away("it answers with no object")
        return told

    def _away(self, reason: str) -> OidcAway:
        log.warning("The identity provider at %s cannot be used: %s", self._host, reason)
        return OidcAway()


def _failed(reason: str) -> OidcFailed:
    log.warning("A sign-in by the provider was refused: %s", reason)
    return OidcFailed()


def _status_noted(status: int, body: bytes) -> int:
    """Return the status; the provider's error goes into the log (RFC 6749, 5.2)."""
    try:
        told = json.loads(body)
        error = told.get("error") if isinstance(told, dict) else None
    except (ValueError, RecursionError):
        error = None
    named = error[:MOST_NOTED_CHARACTERS] if isinstance(error, str) else "-"
    log.warning("The identity provider answered %s, error %r", status, named)
    return status


def _basic(client_id: str, secret: str) -> str:
    """Return the credentials, each encoded before they are joined (RFC 6749, section 2.3.1)."""
    joined = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return "Basic " + base64.b64encode(joined.encode()).decode()


def _found(told: Mapping[str, Any], claim: str) -> Any:
    """Return a claim: by its whole name, else by its path, as `realm_access.roles`."""
    if claim in told:
        return told[claim]
    at: Any = told
    for name in claim.split("."):
        at = at.get(name) if isinstance(at, Mapping) else None
    return at


def _texts(value: object) -> frozenset[str]:
    several = value if isinstance(value, list) else [value]
    return frozenset(each for each in several[:MOST_GROUPS] if isinstance(each, str))

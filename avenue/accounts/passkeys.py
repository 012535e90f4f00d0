"""Passkeys (WebAuthn, level 3): signing in without a password, or as the second step.

A device signs a challenge for one host (rpID) and reports the page that asked (origin); both are
checked, and that the device has verified its person (PIN, finger, face). So a passkey counts as two
factors. Each challenge is valid for a limited time and comes back encrypted; its use is stored with
the passkey.
"""

import logging
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from avenue.accounts.errors import TooManyPasskeys, WrongPasskey
from avenue.accounts.models import SIGNED_IN, Challenge, Passkey, RelyingParty, User
from avenue.accounts.second_factor import new_factor
from avenue.accounts.store.accounts import MongoAccountStore
from avenue.accounts.store.second_factors import FactorStore
from avenue.accounts.tries import Tries
from avenue.clock import utc_now
from avenue.identity import is_id, new_id
from avenue.sealing import Sealing, SecretLost
from avenue.storage.rate_limits import RateLimits

PURPOSE = "challenges of passkeys"
CHALLENGE_BYTES = 32
GOOD_FOR = timedelta(minutes=10)
MOST_CREDENTIAL_CHARACTERS = 20_000
CREATE, GET = "create", "get"
ANYBODY = "-"

log = logging.getLogger(__name__)


class Passkeys:
    """Adds passkeys, and verifies sign-ins with them."""

    def __init__(
        self,
        store: MongoAccountStore,
        factors: FactorStore,
        counter: RateLimits,
        sealing: Sealing,
        *,
        tries_per_minute: int,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._store = store
        self._factors = factors
        self._tries = Tries(counter, "passkey", per_minute=tries_per_minute)
        self._sealing = sealing
        self._now = now

    def creation(self, user: User, party: RelyingParty) -> Challenge:
        """Return the challenge that creates a passkey of `user` on a device."""
        # Imported on use: that takes a fifth of a second and 7 MB.
        from webauthn import generate_registration_options, options_to_json
        from webauthn.helpers import base64url_to_bytes, structs

        challenge = secrets.token_bytes(CHALLENGE_BYTES)
        known = [each for each in user.passkeys if each.host == party.host]
        options = generate_registration_options(
            rp_id=party.host,
            rp_name=party.name,
            user_id=user.id.encode(),
            user_name=user.email,
            user_display_name=user.name or user.email,
            challenge=challenge,
            authenticator_selection=structs.AuthenticatorSelectionCriteria(
                resident_key=structs.ResidentKeyRequirement.REQUIRED,
                require_resident_key=True,
                user_verification=structs.UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=[
                structs.PublicKeyCredentialDescriptor(id=base64url_to_bytes(each.credential))
                for each in known
            ],
        )
        return Challenge(
            options=options_to_json(options), sealed=self._sealed(CREATE, user.id, challenge)
        )

    def add(
        self, user: User, party: RelyingParty, sealed: str, credential: str, *, name: str
    ) -> list[str]:
        """Add the passkey that a device has created; return recovery codes, if there were none.

        The person has authenticated. With the first second factor, all sessions and tokens from
        signing in end. Raise `WrongPasskey` or `TooManyPasskeys`.
        """
        from webauthn import verify_registration_response
        from webauthn.helpers import bytes_to_base64url

        challenge, challenged_at = self._challenge(CREATE, user.id, sealed)
        try:
            made = verify_registration_response(
                credential=credential[:MOST_CREDENTIAL_CHARACTERS],
                expected_challenge=challenge,
                expected_rp_id=party.host,
                expected_origin=list(party.origins),
                require_user_verification=True,
            )
        except Exception as error:  # whatever the library raises for untrusted input
            log.warning("A passkey of %s was refused: %s", user.id, type(error).__name__)
            raise WrongPasskey from None
        passkey = Passkey(
            id=new_id(),
            host=party.host,
            credential=bytes_to_base64url(made.credential_id),
            public_key=bytes_to_base64url(made.credential_public_key),
            sign_count=made.sign_count,
            name=name,
            added_at=self._now(),
            used_at=None,
            challenged_at=challenged_at,
        )
        if any(each.credential == passkey.credential for each in user.passkeys):
            raise WrongPasskey
        factor, codes = (None, []) if user.second_factor else new_factor(None, 0, at=self._now())
        if not self._factors.add_passkey(user.id, passkey, factor):
            raise TooManyPasskeys
        if codes:
            self._store.remove_tokens(user.id, name=SIGNED_IN)
        return codes

    def request(self, party: RelyingParty) -> Challenge:
        """Return the challenge that asks a device for any passkey of this host."""
        from webauthn import generate_authentication_options, options_to_json
        from webauthn.helpers import structs

        challenge = secrets.token_bytes(CHALLENGE_BYTES)
        options = generate_authentication_options(
            rp_id=party.host,
            challenge=challenge,
            user_verification=structs.UserVerificationRequirement.REQUIRED,
        )
        return Challenge(
            options=options_to_json(options), sealed=self._sealed(GET, ANYBODY, challenge)
        )

    def check(self, party: RelyingParty, sealed: str, credential: str, *, address: str) -> User:
        """Return the owner of the passkey that has signed the challenge.

        Their rights are not checked.

        `address` is the caller's IP address. Raise `TooManyRequests` or `WrongPasskey`.
        """
        from webauthn import verify_authentication_response
        from webauthn.helpers import (
            base64url_to_bytes,
            bytes_to_base64url,
            parse_authentication_credential_json,
        )

        challenge, challenged_at = self._challenge(GET, ANYBODY, sealed)
        try:
            shown = parse_authentication_credential_json(credential[:MOST_CREDENTIAL_CHARACTERS])
        except Exception:  # whatever the library raises for untrusted input
            raise WrongPasskey from None
        handle, known_as = shown.response.user_handle or b"", bytes_to_base64url(shown.raw_id)
        user, passkey = self._named(handle, known_as, party, address)
        try:
            answer = verify_authentication_response(
                credential=shown,
                expected_challenge=challenge,
                expected_rp_id=party.host,
                expected_origin=list(party.origins),
                credential_public_key=base64url_to_bytes(passkey.public_key),
                credential_current_sign_count=passkey.sign_count,
                require_user_verification=True,
            )
        except Exception as error:
            log.warning("A passkey of %s was refused: %s", user.id, type(error).__name__)
            raise WrongPasskey from None
        count = answer.new_sign_count
        if not self._factors.use_passkey(user.id, passkey.id, count, challenged_at=challenged_at):
            raise WrongPasskey
        return user

    def remove(self, user: User, passkey_id: str) -> None:
        """Delete one of one's own passkeys; the person has authenticated."""
        self._factors.remove_passkey(user.id, passkey_id)

    def _named(
        self, user_handle: bytes, credential: str, party: RelyingParty, address: str
    ) -> tuple[User, Passkey]:
        """Return the passkey and its owner; raise `TooManyRequests` or `WrongPasskey`."""
        user_id = user_handle.decode("ascii", "replace")
        self._tries.count(user_id, address)
        user = self._store.user_by_id(user_id) if is_id(user_id) else None
        for passkey in user.passkeys if user else ():
            if (passkey.credential, passkey.host) == (credential, party.host) and user:
                return user, passkey
        raise WrongPasskey

    def _sealed(self, what: str, user_id: str, challenge: bytes) -> str:
        at = int(self._now().timestamp() * 1000)
        return self._sealing.sealed(f"{what} {user_id} {at} {challenge.hex()}")

    def _challenge(self, what: str, user_id: str, sealed: str) -> tuple[bytes, datetime]:
        """Return a challenge of ours, and when it was created; raise `WrongPasskey`."""
        try:
            named, whose, at, challenge = self._sealing.opened(sealed).split(" ")
        except (SecretLost, ValueError):
            raise WrongPasskey from None
        made_at = datetime.fromtimestamp(int(at) / 1000, UTC)
        if (named, whose) != (what, user_id) or self._now() - made_at > GOOD_FOR:
            raise WrongPasskey
        return bytes.fromhex(challenge), made_at

"""People and tokens as they are stored in MongoDB: `users` and `api_tokens`."""

from collections.abc import Mapping
from dataclasses import fields

from avenue.accounts.models import ApiToken, OidcIdentity, Passkey, SecondFactor, Session, User
from avenue.identity import Role, Scope
from avenue.storage.connection import Document

PASSKEY_FIELDS = tuple(each.name for each in fields(Passkey))
IDENTITY_FIELDS = tuple(each.name for each in fields(OidcIdentity))
# A change that is repeated after a lost answer raises an epoch twice, which has the same effect.
BOTH_EPOCHS = {"session_epoch": 1, "token_epoch": 1}
CHANGED_NOW = {"$currentDate": {"changed_at": True}}
BEYOND_PASSWORD = {"second_factor": "", "passkeys": ""}
"""What anyone who knows a password could have added, besides sessions and tokens."""


def kept_roles(roles: Mapping[str, Role]) -> Document:
    """Return `roles` as they are stored."""
    return {site: role.value for site, role in roles.items()}


def kept_identity(identity: OidcIdentity) -> Document:
    """Return an identity at a provider as it is stored."""
    return {name: getattr(identity, name) for name in IDENTITY_FIELDS}


def password_fields(password_hash: str, *, is_own: bool) -> Document:
    """Return the stored fields of a password."""
    return {"password_hash": password_hash, "password_is_own": is_own}


def user_or_none(document: Document | None) -> User | None:
    """Return the person stored as `document`, if there is one."""
    return user_in(document) if document else None


def user_in(document: Document) -> User:
    """Return the person stored as `document`."""
    return User(
        id=document["_id"],
        email=document["email"],
        name=document["name"],
        password_hash=document["password_hash"],
        # Not stored at first; whether those passwords are the person's own is unknown.
        password_is_own=document.get("password_is_own") is True,
        roles={site: Role(role) for site, role in document["roles"].items()},
        superuser=document["superuser"],
        disabled=document["disabled"],
        session_epoch=document["session_epoch"],
        token_epoch=document["token_epoch"],
        created_at=document["created_at"],
        changed_at=document.get("changed_at") or document["created_at"],  # not stored at first
        sessions=tuple(map(_session_in, document.get("sessions") or ())),
        second_factor=_second_factor_in(document.get("second_factor")),
        passkeys=tuple(map(_passkey_in, document.get("passkeys") or ())),
        oidc=_identity_in(document.get("oidc")),
    )


def _identity_in(document: Document | None) -> OidcIdentity | None:
    return OidcIdentity(**{name: document[name] for name in IDENTITY_FIELDS}) if document else None


def _passkey_in(document: Document) -> Passkey:
    return Passkey(**{name: document[name] for name in PASSKEY_FIELDS})


def kept_factor(factor: SecondFactor) -> Document:
    """Return a second factor as it is stored."""
    return {
        "secret": factor.secret,
        "recovery_codes": list(factor.recovery_codes),
        "last_step": factor.last_step,
        "wrong": factor.wrong,
        "set_up_at": factor.set_up_at,
    }


def _second_factor_in(document: Document | None) -> SecondFactor | None:
    if document is None:
        return None
    return SecondFactor(
        secret=document["secret"],
        recovery_codes=tuple(document["recovery_codes"]),
        last_step=document["last_step"],
        wrong=document["wrong"],
        set_up_at=document["set_up_at"],
    )


def _session_in(document: Document) -> Session:
    return Session(
        id=document["id"],
        site=document["site"],
        epoch=document["epoch"],
        began_at=document["began_at"],
        used_at=document["used_at"],
        device=document["device"],
        second_factor_shown=document.get("second_factor_shown") is True,
    )


def token_or_none(document: Document | None) -> ApiToken | None:
    """Return the token stored as `document`, if there is one."""
    return token_in(document) if document else None


def token_in(document: Document) -> ApiToken:
    """Return the token stored as `document`."""
    return ApiToken(
        id=document["_id"],
        user=document["user"],
        site=document["site"],
        name=document["name"],
        scopes=frozenset(Scope(scope) for scope in document["scopes"]),
        epoch=document["epoch"],
        secret_sha256=document["secret_sha256"],
        created_at=document["created_at"],
        expires_at=document["expires_at"],
        used_at=document.get("used_at"),
        device=document.get("device") or "",
    )

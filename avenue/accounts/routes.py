"""`/api/auth/*`: signing in and out for programs, and their tokens."""

from flask import Blueprint, Response, jsonify, request
from typing_extensions import TypedDict

from avenue.accounts import replies
from avenue.accounts.bodies import LoginBody, TokenBody
from avenue.accounts.challenges import HEADER, Challenges, Purpose, Try
from avenue.accounts.email_addresses import normal_email
from avenue.accounts.errors import (
    ChallengeFailed,
    ChallengeRequired,
    ScopeNotYours,
    SecondFactorLocked,
    SecondFactorRequired,
    SessionNotFound,
    SignInBusy,
    TokenNotFound,
    WrongCredentials,
    WrongSecondFactor,
)
from avenue.accounts.models import ApiToken, Proof, Session, User
from avenue.accounts.service import AccountService
from avenue.clock import iso
from avenue.cursors import BadCursor
from avenue.identity import Actor, Scope, Site
from avenue.web.audit import audited, note
from avenue.web.auth import bearer_token, current_actor, current_session, drop_session, require
from avenue.web.describing import described
from avenue.web.errors import InvalidQuery
from avenue.web.hosts import current_site
from avenue.web.parsing import PageQuery, body_as, page_asked_for
from avenue.web.services import using

ChallengeHead = TypedDict("ChallengeHead", {"Challenge-Response": str}, total=False)
"""The answer to the challenge of a 403 `challenge_required`; it is valid once."""

blueprint = Blueprint("accounts", __name__, url_prefix="/api/auth")


@blueprint.post("/login")
@described(
    body=LoginBody,
    headers=ChallengeHead,
    replies={200: replies.SignedIn},
    refuses=(
        ChallengeRequired,
        ChallengeFailed,
        WrongCredentials,
        SignInBusy,
        SecondFactorRequired,
        WrongSecondFactor,
        SecondFactorLocked,
    ),
)
@audited("user.signed_in")
def login() -> Response:
    """Return a token for this site; no cookie is set. With a second factor, a code is required."""
    body = body_as(LoginBody)
    address, answer = request.remote_addr or "", request.headers.get(HEADER, "")
    tried = Try(
        purpose=Purpose.SIGN_IN,
        site=current_site(),
        address=address,
        account=normal_email(body.email),
    )
    with using(Challenges).guarding(tried, answer, failures=WrongCredentials):
        user, new = using(AccountService).sign_in_for_token(
            current_site(),
            body.email,
            body.password,
            address=address,
            proof=Proof(otp=body.otp or "", recovery_code=body.recovery_code or ""),
            agent=request.headers.get("User-Agent", ""),
        )
    signed_in: replies.SignedIn = {
        "token": new.secret,
        "expires_at": iso(new.token.expires_at),
        "user": _user_json(user, current_site()),
    }
    actor = Actor(site=current_site(), id=user.id, email=user.email)
    by = "recovery_code" if body.recovery_code and user.second_factor else None
    note(actor=actor, object_id=user.id, token=new.token.id, by=by)
    return jsonify(signed_in)


@blueprint.post("/logout")
@require(any_scope=True)
@described(replies={204: None})
@audited("user.signed_out")
def logout() -> tuple[str, int]:
    """Revoke the presented token, or end the session of the cookie."""
    actor = current_actor()
    token, session = bearer_token(), current_session()
    if token is not None:
        using(AccountService).sign_out_token(token)
    elif session is not None:
        using(AccountService).end_session(actor, session)
        drop_session()
    note(actor=actor, object_id=actor.id)
    return "", 204


@blueprint.get("/me")
@require()
@described(replies={200: replies.Me})
def me() -> Response:
    """Return the caller and the scopes: those of a token, all for a session."""
    actor = current_actor()
    user = using(AccountService).user_of(actor)
    told: replies.Me = {**_user_json(user, actor.site), "scopes": sorted(actor.scopes)}
    return jsonify(told)


@blueprint.get("/sessions")
@require(scope=Scope.ACCOUNT)
@described(replies={200: replies.SessionList})
def list_sessions() -> Response:
    """List the browser sessions of the caller on this site, newest first; 50 at most."""
    own = current_session()
    found = using(AccountService).sessions(current_actor())
    listed: replies.SessionList = {
        "items": [_session_json(each, own) for each in found],
        "total": len(found),
    }
    return jsonify(listed)


@blueprint.delete("/sessions")
@require(scope=Scope.ACCOUNT)
@described(replies={204: None})
@audited("user.signed_out_everywhere")
def end_sessions() -> tuple[str, int]:
    """End all sessions of the caller and revoke all tokens from signing in, on every site."""
    actor = current_actor()
    has_cookie = current_session() is not None
    using(AccountService).sign_out_everywhere(actor)
    if has_cookie:
        drop_session()
    note(actor=actor, object_id=actor.id)
    return "", 204


@blueprint.delete("/sessions/<session_id>")
@require(scope=Scope.ACCOUNT)
@described(replies={204: None}, refuses=(SessionNotFound,))
@audited("session.ended", "session_id")
def end_session(session_id: str) -> tuple[str, int]:
    """End one of the caller's sessions on this site."""
    using(AccountService).end_session(current_actor(), session_id)
    return "", 204


@blueprint.get("/tokens")
@require(scope=Scope.ACCOUNT)
@described(query=PageQuery, replies={200: replies.TokenList}, refuses=(BadCursor, InvalidQuery))
def list_tokens() -> Response:
    """List the caller's tokens of this site, newest first, without their secrets."""
    asked = page_asked_for()
    page = using(AccountService).tokens(current_actor(), limit=asked.limit, after=asked.after)
    listed: replies.TokenList = {
        "items": [_token_json(token) for token in page.items],
        "next": page.next,
        "total": page.total,
    }
    return jsonify(listed)


@blueprint.post("/tokens")
@require(scope=Scope.ACCOUNT)
@described(body=TokenBody, replies={201: replies.NewToken}, refuses=(ScopeNotYours,))
@audited("token.created")
def create_token() -> tuple[Response, int]:
    """Create a token; its secret is shown only in this answer."""
    body = body_as(TokenBody)
    new = using(AccountService).create_token(
        current_actor(), name=body.name, scopes=frozenset(body.scopes), days=body.days
    )
    made: replies.NewToken = {**_token_json(new.token), "token": new.secret}
    return jsonify(made), 201


@blueprint.delete("/tokens/<token_id>")
@require(scope=Scope.ACCOUNT)
@described(replies={204: None}, refuses=(TokenNotFound,))
@audited("token.revoked", "token_id")
def revoke_token(token_id: str) -> tuple[str, int]:
    """Revoke one of the caller's tokens."""
    using(AccountService).revoke_token(current_actor(), token_id)
    return "", 204


def _user_json(user: User, site: Site) -> replies.User:
    return {
        "id": user.id,
        "email": user.email,
        "name": user.name,
        "role": user.role_on(site.id),
        "superuser": user.superuser,
    }


def _session_json(session: Session, own: str | None) -> replies.Session:
    return {
        "id": session.id,
        "device": session.device,
        "began_at": iso(session.began_at),
        "last_used_on": session.used_at.date().isoformat(),
        "current": session.id == own,
    }


def _token_json(token: ApiToken) -> replies.Token:
    return {
        "id": token.id,
        "name": token.name,
        "scopes": sorted(token.scopes),
        "created_at": iso(token.created_at),
        "expires_at": iso(token.expires_at),
        "last_used_on": token.used_at.date().isoformat() if token.used_at else None,
        "device": token.device,
    }

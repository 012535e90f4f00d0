"""Commands about people: `users …` and `tokens …`."""

import sys

import click

from avenue.accounts.models import User
from avenue.audit.service import AuditService
from avenue.cli.context import (
    as_json,
    local,
    of_site,
    say,
    services_of,
)
from avenue.clock import utc_now
from avenue.identity import DEFAULT_SITE, Role, Scope

ROLES = [role.value for role in Role]
SCOPES = [scope.value for scope in Scope]


@click.group()
def users() -> None:
    """Manage accounts and their roles."""


@users.command(name="add")
@click.argument("email")
@click.option(
    "--role",
    type=click.Choice(ROLES),
    default=Role.SELLER.value,
    show_default=True,
)
@click.option("--name", default="")
@click.option("--superuser", is_flag=True, help="All permissions on all sites.")
@of_site
@local
@as_json
def add_user(
    *,
    email: str,
    role: str,
    name: str,
    superuser: bool,
    site: str,
    is_local: bool,
    wants_json: bool,
) -> None:
    """Add an account.

    The password is read from stdin; otherwise one is generated and printed once.
    """
    with services_of(is_local=is_local) as services:
        added = services.accounts.add_user(
            email, _given_password(), name=name, roles={site: Role(role)}, superuser=superuser
        )
        services.audit.record_command(
            site,
            "users add",
            "user.added",
            added.user.id,
            details={"role": role, "superuser": superuser},
        )
    user = {"id": added.user.id, "email": added.user.email, "role": role}
    say(
        wants_json,
        {**user, "password": added.made_password},
        f"Added {added.user.email} as {role}.{shown_once(added.made_password)}",
    )


@users.command()
@click.argument("email")
@local
@as_json
def password(*, email: str, is_local: bool, wants_json: bool) -> None:
    """Set a password. Ends all sessions and tokens of the account.

    The password is read from stdin; otherwise one is generated and printed once.
    """
    with services_of(is_local=is_local) as services:
        made = services.accounts.change_password(email, _given_password())
        _record(
            services.audit,
            services.accounts.user_named(email),
            "users password",
            "user.password_changed",
        )
    say(wants_json, {"email": email, "password": made}, f"Password changed.{shown_once(made)}")


@users.command()
@click.argument("email")
@click.option("--undo", is_flag=True, help="Enable the account again.")
@local
@as_json
def disable(*, email: str, undo: bool, is_local: bool, wants_json: bool) -> None:
    """Disable an account at once."""
    with services_of(is_local=is_local) as services:
        services.accounts.set_disabled(email, disabled=not undo)
        action = "user.enabled" if undo else "user.disabled"
        _record(services.audit, services.accounts.user_named(email), "users disable", action)
    say(wants_json, {"email": email, "disabled": not undo}, "Enabled." if undo else "Disabled.")


@users.command(name="reset-second-factor")
@click.argument("email")
@local
@as_json
def reset_second_factor(*, email: str, is_local: bool, wants_json: bool) -> None:
    """Turn off the second factor of an account, if it was lost. Ends all its sessions."""
    with services_of(is_local=is_local) as services:
        services.accounts.reset_second_factor(email)
        user = services.accounts.user_named(email)
        _record(services.audit, user, "users reset-second-factor", "user.second_factor_reset")
    say(wants_json, {"email": user.email, "second_factor": False}, "Second factor turned off.")


@users.command()
@click.argument("email")
@local
@as_json
def unlink(*, email: str, is_local: bool, wants_json: bool) -> None:
    """Unlink an account from the identity provider. Ends all its sessions and tokens.

    At the next sign-in with the provider, the account is matched by email again. An account without
    a password needs a new one.
    """
    with services_of(is_local=is_local) as services:
        services.accounts.unlink(email)
        _record(
            services.audit, services.accounts.user_named(email), "users unlink", "user.unlinked"
        )
    say(wants_json, {"email": email, "by_provider": False}, "Unlinked from the identity provider.")


@users.command(name="list")
@local
@as_json
def list_users(*, is_local: bool, wants_json: bool) -> None:
    """List all accounts."""
    with services_of(is_local=is_local) as services:
        people = list(services.accounts.users())
        accounts_json = [
            {
                "id": user.id,
                "email": user.email,
                "name": user.name,
                "roles": user.roles,
                "superuser": user.superuser,
                "disabled": user.disabled,
                "password_is_own": user.password_is_own,
                "second_factor": user.second_factor is not None,
                "by_provider": user.oidc is not None,
            }
            for user in people
        ]
    lines = [_line(user) for user in people]
    say(wants_json, {"items": accounts_json, "total": len(accounts_json)}, "\n".join(lines))


def _line(user: User) -> str:
    roles = ", ".join(f"{site}: {role.value}" for site, role in sorted(user.roles.items()))
    rights = [*(["superuser"] if user.superuser else []), *(["disabled"] if user.disabled else [])]
    return "  ".join((user.email, roles or "-", *rights))


@click.group()
def tokens() -> None:
    """Manage API tokens."""


@tokens.command(name="add")
@click.argument("email")
@click.option("--name", default="")
@click.option("--scope", "scopes", type=click.Choice(SCOPES), multiple=True, default=SCOPES)
@click.option("--days", type=click.IntRange(1, 3650), default=365, show_default=True)
@of_site
@local
@as_json
def add_token(
    *,
    email: str,
    name: str,
    scopes: tuple[str, ...],
    days: int,
    site: str,
    is_local: bool,
    wants_json: bool,
) -> None:
    """Create an API token for an account; it is printed once.

    Without a name, the token is named after the current time, to distinguish tokens.
    """
    name = name or f"tokens add, {utc_now():%Y-%m-%d %H:%M:%S} UTC"
    with services_of(is_local=is_local) as services:
        made = services.accounts.add_token(
            email, site, name=name, scopes=frozenset(map(Scope, scopes)), days=days
        )
        services.audit.record_command(
            site,
            "tokens add",
            "token.created",
            made.token.id,
            details={"user": made.token.user, "scopes": sorted(scopes), "days": days},
        )
    say(wants_json, {"id": made.token.id, "token": made.secret}, made.secret)


def _record(audit: AuditService, user: User, command: str, action: str) -> None:
    """Record the change on every site where the account has a role, or on the default site."""
    for site in user.roles or [DEFAULT_SITE]:
        audit.record_command(site, command, action, user.id)


def shown_once(made_password: str | None) -> str:
    """Return the line that shows a generated password."""
    return f"\nPassword (shown only once): {made_password}" if made_password else ""


def _given_password() -> str | None:
    """Return the first line of stdin if it is piped, otherwise None."""
    if sys.stdin is None or sys.stdin.isatty():
        return None
    return sys.stdin.readline().rstrip("\r\n") or None

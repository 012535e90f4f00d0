"""Pages for signing in, passwords, one's own account and tokens, and the people of a site."""

from avenue.accounts.pages import account, oidc, password, people, second_factor, sign_in, tokens
from avenue.identity import Role
from avenue.web.language import lazy_gettext as _
from avenue.web.pages import Entry, Group

BLUEPRINTS = (
    sign_in.blueprint,
    oidc.blueprint,
    password.blueprint,
    account.blueprint,
    second_factor.blueprint,
    tokens.blueprint,
    people.blueprint,
)

NAVIGATION = (
    Entry(
        path=people.PATH, title=_("People"), icon="people", group=Group.SYSTEM, roles=(Role.ADMIN,)
    ),
)

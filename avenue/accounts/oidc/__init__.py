"""Sign-in with an OpenID Connect provider, which tells a person's identity and groups.

Only `provider` uses the library; `groups` maps groups to roles, `service` finds the account.
"""

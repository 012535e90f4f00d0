"""Signing in with an OpenID Connect provider: it says who somebody is, and of which groups.

`provider` is the only one who knows the library, `groups` what groups give, `service` whose account
it is.
"""

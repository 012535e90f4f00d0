"""What every route needs from Flask; knows nothing about pictures or shops.

Modules that take part in every request have an `install`. The order of four of them matters:
`hosts`, `cors`, `limits`, then those that refuse callers. A preflight thus needs only a known host,
and a wrong token is counted before it is refused.
"""

"""What every route needs from Flask; knows nothing of pictures or shops.

Each room that takes part in every request has an `install`. The order of four of them counts:
`hosts`, `cors`, `limits`, then whoever refuses callers. A preflight thus needs a known host and
nothing else, and a wrong token is counted before it is refused.
"""

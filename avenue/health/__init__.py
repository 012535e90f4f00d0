"""Health: is anything lost, leaking or running full, who is told, and what mends it.

`facts` ask, `rules` judge, `checks` walk over all that is stored and mend it, `history` keeps what
was, `alerts` tell, and `views` show.
"""

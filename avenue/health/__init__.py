"""Health: detects loss, damage and shortages, alerts about them, and repairs what it can.

`facts` read, `rules` judge, `checks` examine and repair stored data, `history` stores the past,
`alerts` send messages, and `views` show everything.
"""

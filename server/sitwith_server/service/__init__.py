"""What holds a room together: load, decide, commit, follow; time, presence, tokens.

`operator.py` is what the operator may do with rooms; `meetings.py` are the meetings of a series.
"""

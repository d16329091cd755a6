"""Rooms on a worker: loading, deciding, committing and following them; time, presence, tokens.

`operator.py` is what the operator can do with rooms; `meetings.py` are the meetings of a series.
"""

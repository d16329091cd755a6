"""One room on a worker: decides commands, commits their events, folds the log, calls observers.

`room.py` is the room, `follower.py` and `replica.py` keep it up to date with its log; `store.py`
encodes events, `audit.py` writes the audit trail.
"""

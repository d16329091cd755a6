"""One hosted room: decides commands, commits their events, folds the log, tells observers.

`room.py` is the room; `store.py` turns events into bytes, `audit.py` writes the audit trail.
"""

"""The log in Redis or Valkey: commits, entries, notifications and files of each room.

`log.py` is the log over all instances, `instance.py` one of them; `scripts/` holds the Lua code.
"""

"""Between rooms and engines: media nodes, the worker's side, the messages between the two.

`reconcile.py` follows a room's log and computes what the engine may forward.
"""

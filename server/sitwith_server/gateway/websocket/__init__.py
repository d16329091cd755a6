"""WebSocket connections: the upgrade, `hello`, commands, and the frames of each viewer.

`connection.py` drives one socket. `translate.py` turns the wire's commands into the room's.
`hub.py` sends the changes of one room. `registry.py` holds all connections of the worker.
"""

"""Members' WebSocket connections: from the upgrade and hello to the frames of each viewer.

`translate.py` turns messages of the wire into commands of the room; `hub.py` sends what happened.
"""

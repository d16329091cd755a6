"""The engine on a fleet of Janus gateways, and the guard that runs beside each gateway.

`guard.py` is the guard process; `vouching.py` is the media node's side of it.
"""

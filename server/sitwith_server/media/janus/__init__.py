"""The engine on a fleet of Janus gateways, and the guard that runs beside each gateway.

`guard.py` is the guard process. `guard_client.py` is the media node's side of it.
"""

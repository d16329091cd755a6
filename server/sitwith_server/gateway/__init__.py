"""The server's outside: sockets, HTTP, the page, WebSocket connections, logs and metrics.

`server.py` is uvicorn's server as a worker runs it. Several parts use `rates.py` and `origins.py`.
"""

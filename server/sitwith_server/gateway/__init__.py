"""What touches the outside: sockets, HTTP, the page, WebSocket connections, logs and metrics.

`server.py` is uvicorn's server as a worker runs it; `flow.py` and `origins.py` serve several parts.
"""

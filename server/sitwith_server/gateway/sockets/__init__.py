"""Below HTTP: uvicorn's protocols and transport, peers' addresses, and limits on sockets."""

"""Below HTTP: uvicorn's protocols, the transport, peers' addresses, and limits on sockets."""

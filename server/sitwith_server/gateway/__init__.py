"""What touches the outside: sockets, HTTP, the page, logs and metrics."""

"""Between rooms and engines: media nodes, the workers' side, and the messages between the two."""

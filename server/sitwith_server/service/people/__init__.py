"""People who come in: seats, names, tokens, addresses, and how fast one seat may send."""

"""People at the door: names, tokens, addresses, and how fast one seat may ask."""

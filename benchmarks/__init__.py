"""What things cost. Nothing here passes or fails; see `make bench`."""

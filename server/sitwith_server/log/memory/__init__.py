"""The log in the memory of one process: the default, without Redis."""

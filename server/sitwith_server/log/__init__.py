"""Ordered opaque bytes with compare-and-set: the truth of every room."""

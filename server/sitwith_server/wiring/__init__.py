"""Joins the parts of the server into processes: a worker (`worker.py`) and a media node
(`media_node.py`).

`root.py` is the composition root of a worker. Only this package names concrete implementations.
"""

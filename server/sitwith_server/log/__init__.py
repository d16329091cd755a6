"""The rooms' logs: ordered opaque bytes with compare-and-set, the only truth of every room.

`base.py` is the contract, `values.py` and `commits.py` are its values; `memory/` and `redis/`
implement it.
"""

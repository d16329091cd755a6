"""The room's logs: ordered opaque bytes with compare-and-set, the truth of every room.

`base.py` is the contract, `values.py` what it takes and gives; `memory/` and `redis/` implement it.
"""

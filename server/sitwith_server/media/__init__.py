"""The media plane: enforces who is heard and seen where the packets are forwarded (VO*, ME*).

`engine.py` is the contract of an engine; `aiortc/` and `janus/` implement it. `limits.py` bounds an
offer. `plane/` connects the engines to the rooms; `sdp/`, `packets/` and `forward/` are pure.
"""

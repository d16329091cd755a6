"""The media plane: who is heard and seen, enforced where the packets are moved (DESIGN §6).

`engine.py` is the contract of an engine; `aiortc/` and `janus/` implement it. `plane/` connects the
engines to the rooms; `sdp/`, `packets/` and `forward/` are pure.
"""

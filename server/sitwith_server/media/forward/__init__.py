"""The forwarder, without I/O: which packet goes to whom; streams, slots, key frames, bandwidth."""

"""The engine that forwards in this process: DTLS and SRTP by aiortc, our own ICE, one UDP port."""

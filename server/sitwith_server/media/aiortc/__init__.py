"""The engine in this process: DTLS and SRTP by aiortc, our ICE and one UDP port."""

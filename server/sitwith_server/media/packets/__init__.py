"""Packet formats without I/O: RTP, RTCP, congestion feedback and the headers of video codecs."""

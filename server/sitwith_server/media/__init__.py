"""The media plane: whose voice and picture reach whom, enforced where the packets are moved (DESIGN §6)."""

"""The media plane: who is heard and seen, enforced where the packets are moved (DESIGN §6)."""

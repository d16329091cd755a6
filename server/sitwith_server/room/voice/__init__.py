"""Equal voice (EQ*)."""

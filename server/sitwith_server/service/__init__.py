"""What holds a room together: load, decide, commit, follow; time, presence, tokens."""

"""Guest speakers (GU*)."""

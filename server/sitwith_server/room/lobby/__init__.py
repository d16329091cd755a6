"""The lobby (LO*)."""

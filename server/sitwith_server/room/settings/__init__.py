"""The settings of a room."""

"""The door: links, and who may stand there (DO*)."""

"""Pairs and other groups (PA*)."""

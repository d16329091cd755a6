"""Shared concerns (LK*)."""

"""Breathing together (BR*)."""

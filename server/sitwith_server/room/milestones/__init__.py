"""Milestones (MS*)."""

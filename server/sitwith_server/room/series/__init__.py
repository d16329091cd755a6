"""Meetings of a series (SE*)."""

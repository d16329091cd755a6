"""Voices and pictures (VO*)."""

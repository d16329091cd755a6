"""Mutes (MU*)."""

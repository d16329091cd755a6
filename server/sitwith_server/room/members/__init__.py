"""Removal, roles and names (RM*, RO*, NA*)."""

"""A room without a facilitator (SA*)."""

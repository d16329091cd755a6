"""The agenda of an evening (AG*)."""

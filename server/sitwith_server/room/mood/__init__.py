"""How everybody is (MO*)."""

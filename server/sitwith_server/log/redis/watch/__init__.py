"""Watches the health of one Redis instance: test writes, its clock, when it counts as frozen."""

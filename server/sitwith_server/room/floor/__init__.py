"""The floor and the queue (FL*, RD*)."""

"""What this process holds of rooms, and how it gives that back to a Redis that lost it."""

"""What is shown to all (MT*)."""

"""The facilitators' inbox (SI*)."""

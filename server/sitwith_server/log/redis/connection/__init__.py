"""Connections to Redis: where the instances are, whether they fit, requests and subscriptions."""

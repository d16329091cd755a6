"""Logs and metrics: what operators see. Never content, names, keys or tokens."""

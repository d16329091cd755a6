"""Storms: what many hostile connections do to a server and to those who are good (S3)."""

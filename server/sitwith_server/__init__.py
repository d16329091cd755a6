"""Sitwith's server: live, moderated peer-support rooms."""

__version__ = "0.1.0"

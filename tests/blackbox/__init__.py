"""Checks from outside: a server process, the published surface, none of the project's code."""

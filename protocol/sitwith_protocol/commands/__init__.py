"""All that a client may ask of a room: one class each, one module a family of rules.

``messages`` gives them all by name, and ``messages.COMMANDS`` by their types.
"""

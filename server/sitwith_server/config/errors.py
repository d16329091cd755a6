"""The error of a bad setting."""

from __future__ import annotations


class SettingError(ValueError):
    """A setting can't be used. The text names the setting, its source and the problem, and never
    contains a secret.
    """

    def __init__(self, name: str, problem: str, *, source: str = "") -> None:
        super().__init__(f"{name}{f' ({source})' if source else ''}: {problem}")
        self.name = name
        self.problem = problem
        self.source = source

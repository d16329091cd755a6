"""What is wrong with a setting."""

from __future__ import annotations


class SettingError(ValueError):
    """A setting that can't be used: which one, where it came from and what is wrong with it.

    The text never repeats the value of a secret.
    """

    def __init__(self, name: str, problem: str, *, source: str = "") -> None:
        super().__init__(f"{name}{f' ({source})' if source else ''}: {problem}")
        self.name = name
        self.problem = problem
        self.source = source

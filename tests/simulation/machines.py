"""Machines on one virtual loop: whatever a machine runs can be stopped, woken or killed at once.

Code that was started on a machine carries it in its context. While the machine stands still its
callbacks are kept; a killed one's never run again, not even to clean up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar, copy_context
from typing import Any, TypeVar, TypeVarTuple, Unpack

from tests.simulation.virtual import VirtualLoop

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
_ON: ContextVar[Machine | None] = ContextVar("machine", default=None)


class Machine:
    """A process that can be paused (SIGSTOP), woken (SIGCONT) and killed (SIGKILL)."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.running = True
        self.dead = False
        self.tasks: list[asyncio.Task[Any]] = []
        self._kept: list[_Call] = []

    def start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Runs something on this machine."""
        return self.context().run(asyncio.get_running_loop().create_task, work)

    def call(self, what: Callable[[], T]) -> T:
        """Runs a plain function on this machine, now."""
        return self.context().run(what)

    def context(self) -> Context:
        context = copy_context()
        context.run(_ON.set, self)
        return context

    def keep(self, call: _Call) -> None:
        self._kept.append(call)

    def pause(self) -> None:
        self.running = False

    def wake(self) -> None:
        if not self.dead:
            self._go_on()

    def _go_on(self) -> None:
        self.running = True
        kept, self._kept = self._kept, []
        for call in kept:
            call.again()

    def kill(self) -> None:
        self.running, self.dead = False, True

    async def bury(self) -> None:
        """At the end of a run: lets what was killed end, once nothing it does has any effect."""
        self._go_on()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


def current() -> Machine | None:
    """The machine that runs just now."""
    return _ON.get()


class _Call:
    """One callback of a machine."""

    __slots__ = ("args", "callback", "context", "handle", "machine")

    def __init__(
        self,
        machine: Machine,
        callback: Callable[..., object],
        args: tuple[object, ...],
        context: Context,
    ) -> None:
        self.machine, self.callback, self.args, self.context = machine, callback, args, context
        self.handle: asyncio.Handle | None = None

    def __call__(self) -> None:
        if not self.machine.running:
            self.machine.keep(self)
        elif self.handle is None or not self.handle.cancelled():
            self.callback(*self.args)

    def again(self) -> None:
        # Past `call_soon` of the machine's loop: this has its wrapping already.
        VirtualLoop.call_soon(self._loop(), self, context=self.context)

    @staticmethod
    def _loop() -> VirtualLoop:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        return loop


class MachineLoop(VirtualLoop):
    """Virtual time, and machines."""

    def __init__(self) -> None:
        super().__init__()
        self.set_task_factory(_task)  # type: ignore[arg-type]

    def call_soon(
        self,
        callback: Callable[[Unpack[Ts]], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.Handle:
        machine = _ON.get() if context is None else context.get(_ON)
        if machine is None:
            return super().call_soon(callback, *args, context=context)
        call = _Call(machine, callback, args, context or copy_context())
        call.handle = super().call_soon(call, context=call.context)
        return call.handle

    def call_at(
        self,
        when: float,
        callback: Callable[[Unpack[Ts]], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        machine = _ON.get() if context is None else context.get(_ON)
        if machine is None:
            return super().call_at(when, callback, *args, context=context)
        call = _Call(machine, callback, args, context or copy_context())
        handle = super().call_at(when, call, context=call.context)
        call.handle = handle
        return handle


def _task(
    loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Any], **how: Any
) -> asyncio.Task[Any]:
    task = asyncio.Task(work, loop=loop, **how)
    machine = _ON.get()
    if machine is not None:
        machine.tasks.append(task)
    return task


def run(main: Coroutine[Any, Any, T]) -> T:
    """Runs `main` on a loop of its own with virtual time and machines."""
    with asyncio.Runner(loop_factory=MachineLoop) as runner:
        return runner.run(main)

"""What every implementation of the log must do, whatever is behind it.

A test module of an implementation gives a `Harness` and inherits `LogContract`; `machine_for`
compares it with a tiny model over random histories.
"""

from __future__ import annotations

from .contract_dues import DueContract
from .contract_effects import EffectContract
from .contract_entries import EntryContract, TrimContract
from .contract_files import FileContract
from .contract_lives import LifeContract
from .contract_paces import PaceContract
from .contract_rooms import RoomContract
from .harness import Harness
from .histories import machine_for

__all__ = ["Harness", "LogContract", "machine_for"]


class LogContract(
    RoomContract,
    EntryContract,
    TrimContract,
    EffectContract,
    LifeContract,
    PaceContract,
    DueContract,
    FileContract,
):
    """All of it."""

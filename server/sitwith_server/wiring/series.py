"""Series, where the operator has turned them on: the store and the meetings."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from sitwith_server.config import SettingError, Settings
from sitwith_server.gateway.telemetry.metrics import Metrics
from sitwith_server.series.handles import Handles
from sitwith_server.series.model import StoreRefused
from sitwith_server.service.hosting.host import Host
from sitwith_server.service.meetings import Meetings

if TYPE_CHECKING:
    from sitwith_server.series.store import Store


def make_meetings(settings: Settings, host: Host, metrics: Metrics) -> Meetings | None:
    """None where series are off. The store is opened at its first use, so that a worker starts
    while a database is away."""
    if settings.series == "off":
        return None
    handles = Handles(settings.series_key or "")
    made = Meetings(
        host,
        handles,
        partial(_open_store, settings, handles),
        on_given_up=metrics.series_given_up,
    )
    metrics.series(lambda: made.waiting)
    return made


def check_series(settings: Settings) -> None:
    """Opens the store once; makes or migrates its tables.

    Raises:
        SettingError: the store can't be used as it is set.
    """
    if settings.series == "off":
        return
    try:
        _open_store(settings, Handles(settings.series_key or "")).close()
    except StoreRefused as refused:
        raise SettingError(refused.setting, refused.problem) from None


def _open_store(settings: Settings, handles: Handles) -> Store:
    # SQLAlchemy takes long to import, and most workers don't need it.
    from sitwith_server.series.store import Store

    return Store.open(settings.series_url, handles)

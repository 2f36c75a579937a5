"""Alerts of one device: which belong together, and which are more than a person wants to hear of it in a week."""

import math
from collections import OrderedDict
from dataclasses import astuple, dataclass

import numpy as np

from models.detectors.growable_arrays import Array
from models.state_codec import UnreadableState

GROUP_GAP_MS, LONGEST_GROUP_MS = 5 * 60 * 1000, 60 * 60 * 1000
"""An alert joins its device's group within 5 minutes of the group's latest alert, and an hour of its first."""

WEEK_MS = 7 * 24 * 3600 * 1000

MAX_DEVICES = 4096
"""Devices of a bucket that are remembered: those that had alerts last."""


@dataclass
class _Device:
    level: float
    """Groups within the budget, fading by the budget in a week."""
    at: int
    """Event time of the latest alert."""
    group: int
    """Event time of the first alert of the latest group."""
    over_budget: bool
    """Of that group."""


class DeviceBudget:
    """Groups the alerts of each device by their event times, and says which groups are over the device's budget.

    A leaky bucket: it holds `groups_per_week` and empties in a week. So a device that was quiet has its whole budget at
    once, and one that never is has as much each week. Groups count and not alerts: what has one cause is one
    interruption. An alert over the budget is an alert all the same; it is marked.

    Parameters
    ----------
    groups_per_week
        Of a device, above 0; infinite for no budget.
    max_devices
        Remembered ones. One that had no alert while so many others had begins anew.

    Examples
    --------
    >>> budget = DeviceBudget(groups_per_week=1)
    >>> minute = 60_000
    >>> [budget.alert("pump-1", time * minute) for time in (0, 3, 20, 21)]
    [(0, False), (0, False), (1200000, True), (1200000, True)]
    """

    def __init__(self, groups_per_week: float = math.inf, max_devices: int = MAX_DEVICES) -> None:
        if not groups_per_week > 0:
            raise ValueError(f"groups per week must be above 0, not {groups_per_week}")
        self._per_week = groups_per_week
        self._max_devices = max_devices
        self._devices: OrderedDict[str, _Device] = OrderedDict()

    def __len__(self) -> int:
        """Remembered devices."""
        return len(self._devices)

    def alert(self, device: str, event_time: int) -> tuple[int, bool]:
        """The group of an alert, as the event time of its first one in ms, and whether it is over the budget."""
        known = self._devices.get(device)
        if known is None:
            known = self._devices[device] = _Device(0.0, event_time, event_time, False)
            self._begin_group(known, event_time)
            if len(self._devices) > self._max_devices:
                self._devices.popitem(last=False)
        elif not _joins(known, event_time):
            self._begin_group(known, event_time)
        known.at = max(known.at, event_time)
        self._devices.move_to_end(device)
        return known.group, known.over_budget

    def _begin_group(self, device: _Device, event_time: int) -> None:
        """A group over the budget takes nothing of it: the next one is within as soon as there is room."""
        device.group = event_time
        if math.isinf(self._per_week):
            return
        passed = max(0, event_time - device.at) / WEEK_MS
        device.level = max(0.0, device.level - passed * self._per_week)
        device.over_budget = device.level + 1.0 > max(1.0, self._per_week)
        device.level += not device.over_budget

    def columns(self) -> dict[str, Array]:
        """The state, by name; `load` takes it."""
        names = [name.encode() for name in self._devices]
        rows = [astuple(device) for device in self._devices.values()]
        levels, times, groups, flags = zip(*rows, strict=True) if rows else ((), (), (), ())
        return {
            "text": np.frombuffer(b"".join(names), np.uint8),
            "lengths": np.array([len(name) for name in names], np.int32),
            "levels": np.array(levels, np.float64),
            "times": np.array(times, np.int64),
            "groups": np.array(groups, np.int64),
            "over_budget": np.array(flags, np.bool_),
        }

    def load(self, columns: dict[str, Array]) -> None:
        """Continue from what `columns` gave.

        Raises
        ------
        UnreadableState
            When the columns do not fit together.
        """
        text, ends = columns["text"].tobytes(), np.cumsum(columns["lengths"]).tolist()
        try:
            names = [text[start:end].decode() for start, end in zip([0, *ends], ends, strict=False)]
            values = (columns[name].tolist() for name in ("levels", "times", "groups", "over_budget"))
            devices = [(name, _Device(*row)) for name, *row in zip(names, *values, strict=True)]
        except ValueError as error:
            raise UnreadableState(f"devices of the state do not fit together: {error}") from error
        self._devices = OrderedDict(devices)


def _joins(device: _Device, event_time: int) -> bool:
    near = abs(event_time - device.at) <= GROUP_GAP_MS
    return near and abs(event_time - device.group) <= LONGEST_GROUP_MS

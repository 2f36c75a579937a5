"""Alerts with one cause: of many devices at one time, or of one device."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from connectors.redis.alerts import StoredAlert

WINDOW_MS = 5 * 60 * 1000
"""Alerts of one metric and kind, each within 5 minutes of the one before."""

MIN_DEVICES = 3
"""Of a cause that is common to devices. Two may coincide."""


@dataclass(frozen=True)
class Cause:
    """Alerts that begin together.

    Parameters
    ----------
    alerts
        The earliest first.
    """

    alerts: Sequence[StoredAlert]

    @property
    def started_at(self) -> int:
        """Event time of the first alert."""
        return self.alerts[0].episode

    @property
    def n_devices(self) -> int:
        """How many devices have them."""
        return len({alert.device for alert in self.alerts})


def causes(alerts: Iterable[StoredAlert]) -> list[Cause]:
    """Each alert in one cause, the latest cause first.

    Alerts of one metric and kind that begin in a row on `MIN_DEVICES` devices are one cause; of what is left, those of
    a device's group are.
    """
    in_order = sorted(alerts, key=lambda alert: (alert.episode, alert.device, alert.metric))
    common = [cause for cause in map(Cause, _rows(in_order)) if cause.n_devices >= MIN_DEVICES]
    taken = {id(alert) for cause in common for alert in cause.alerts}
    left = [alert for alert in in_order if id(alert) not in taken]
    found = [*common, *map(Cause, _groups(left))]
    return sorted(found, key=lambda cause: cause.started_at, reverse=True)


def _rows(in_order: Sequence[StoredAlert]) -> Iterable[list[StoredAlert]]:
    """Alerts of one metric and kind without a pause."""
    for _, alike in groupby(sorted(in_order, key=_likeness), key=_likeness):
        row: list[StoredAlert] = []
        for alert in alike:
            if row and alert.episode - row[-1].episode > WINDOW_MS:
                yield row
                row = []
            row.append(alert)
        yield row


def _likeness(alert: StoredAlert) -> tuple[str, str]:
    return alert.metric, alert.kind or ""


def _groups(in_order: Sequence[StoredAlert]) -> Iterable[list[StoredAlert]]:
    by_group: dict[tuple[str, int], list[StoredAlert]] = {}
    for alert in in_order:
        group = alert.episode if alert.group is None else alert.group
        by_group.setdefault((alert.device, group), []).append(alert)
    return by_group.values()

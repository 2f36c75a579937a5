"""Which series of a file a picture shows: all of a few; of many those with the most alerts."""

from collections.abc import Sequence
from dataclasses import dataclass

from headrace.scoring.envelope import Envelope
from models.detectors.series_index import SeriesKey

MAX_PANELS = 24
MAX_FOLLOWED = 1000
"""Series, the first of the file, among which those of the picture are chosen: each takes 40 kB of memory."""


@dataclass(frozen=True)
class Panels:
    """Titles and envelopes of one length; and what has to be said of the others, or nothing."""

    titles: list[str]
    envelopes: list[Envelope]
    note: str


def chosen_panels(envelopes: Sequence[Envelope], keys: Sequence[SeriesKey]) -> Panels:
    """At most MAX_PANELS, in the order of the file."""
    ranked = sorted(range(len(envelopes)), key=lambda at: (-envelopes[at].n_alerts, at))
    shown = sorted(ranked[:MAX_PANELS])
    note = "" if len(keys) <= MAX_PANELS else f"{MAX_PANELS} of {len(keys):,} series: those with the most alerts"
    if len(keys) > MAX_FOLLOWED:
        note += f" among the first {MAX_FOLLOWED:,}"
    return Panels([" ".join(filter(None, keys[at])) for at in shown], [envelopes[at] for at in shown], note)

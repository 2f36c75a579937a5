"""Verdicts among the records that `score_anomalies` gathers."""

from collections.abc import Sequence
from typing import Any

from models.detectors import Verdict
from schemas.alert_verdict import Ruling
from schemas.topics import TELEMETRY_VERDICTS, UnreadableRecord, read_record

Values = Sequence[bytes | None]

_VERDICT = b"\x01"


def gathered_verdicts(records: Values, are_verdicts: Values) -> tuple[Values, list[Verdict], int]:
    r"""The other records, the verdicts, and how many of these cannot be read: only a foreign producer writes such.

    Parameters
    ----------
    are_verdicts
        Of each record, as a frame has a BOOLEAN.

    Examples
    --------
    >>> verdict = b'{"device": "pump-1", "metric": "flow", "episode": 1000, "verdict": "dismissed", "decided_at": 2000}'
    >>> gathered_verdicts([b"a reading", verdict, b"{}"], [bytes(1), b"\1", b"\1"])
    ([b'a reading'], [Verdict(key=('pump-1', 'flow'), episode=1000, dismissed=True)], 1)
    """
    if _VERDICT not in are_verdicts:
        return records, [], 0
    pairs = list(zip(records, are_verdicts, strict=True))
    others = [record for record, flag in pairs if flag != _VERDICT]
    verdicts = [_verdict_or_none(record) for record, flag in pairs if flag == _VERDICT]
    return others, [verdict for verdict in verdicts if verdict is not None], verdicts.count(None)


def _verdict_or_none(value: bytes | None) -> Verdict | None:
    try:
        read: Any = read_record(TELEMETRY_VERDICTS.name, value)
    except UnreadableRecord:
        return None
    return Verdict((read.device, read.metric), read.episode, read.verdict is Ruling.DISMISSED)

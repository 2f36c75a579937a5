"""Where a dead letter's replay goes: to the topic that its stage reads, or to the store that refused it."""

import shlex
from dataclasses import dataclass

from connectors.redis.device_state import Update
from headrace.dead_letters import store_rows
from headrace.dead_letters.stored_dead_letter import StoredDeadLetter
from jobs.names import CLEAN_TELEMETRY
from payload_codecs.message import REPLAYS
from schemas.dead_letter import DeadLetter
from schemas.device_name import device_name_fault
from schemas.limits import MAX_NAME_LENGTH
from schemas.reject_reasons import RejectReason
from schemas.topics import TELEMETRY_RAW, UnreadableRecord

RAW_STAGES = (CLEAN_TELEMETRY, "mqtt_bridge", "listener")
"""What they refuse is a payload of a device, and starts again in telemetry.raw."""

CHURN_STAGE = "score_churn"
RECOMMEND_STAGE = "recommend_items"
SCORING_STAGE = "score_anomalies"
_INSTEAD_OF_A_REPLAY = {
    RejectReason.UNSCORABLE_CUSTOMER: "an older state of the row would come behind newer ones. Correct the row in "
    "PostgreSQL, or the model, and have it scored again:  headrace churn rescore {customer}",
    RejectReason.NOT_A_CUSTOMER: "change capture did not write it, so it is no row of PostgreSQL. See who else writes "
    "to the topic customers, and write customers to PostgreSQL",
    RejectReason.QUARANTINED: "an older state of the row would come behind newer ones. See why it failed, update the "
    "job, then have the customer scored again:  headrace churn rescore {customer}",
}

DEAD_LETTER, EDITED, RECEIVED_AT = "dead_letter", "edited", "received_at"
"""Headers that say where a message is from. `REPLAYS` beside them comes back in the next dead letter."""


@dataclass(frozen=True)
class NotReplayable:
    """Cannot be replayed; `why` says what to do instead, where there is something."""

    why: str


@dataclass(frozen=True)
class ToTopic:
    """A message as the bridge would have written it."""

    topic: str
    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]

    @property
    def destination(self) -> str:
        return self.topic


@dataclass(frozen=True)
class ToStore:
    """A row for one store alone: the topic that it comes from has other readers, which have had it."""

    store: str
    row: str | Update

    @property
    def destination(self) -> str:
        return self.store


ReplayTarget = ToTopic | ToStore | NotReplayable


def replay_target(
    kept: StoredDeadLetter, largest_bytes: int, edited: bytes | None = None, as_device: str | None = None
) -> ReplayTarget:
    """What a replay of this dead letter sends; `edited` replaces its payload, `as_device` its device.

    `largest_bytes` is what the bridge takes: a replay is no way around it.
    """
    dead_letter = kept.dead_letter
    if dead_letter is None:
        return NotReplayable(
            f"it cannot be read ({kept.unreadable}); take its bytes with:  headrace dlq show {kept.id} --raw"
        )
    if dead_letter.stage == CHURN_STAGE:
        why = _INSTEAD_OF_A_REPLAY.get(dead_letter.reason, f"no replay is defined for {dead_letter.reason}")
        return NotReplayable(why.format(customer=shlex.quote(dead_letter.device or "")))
    if dead_letter.stage == RECOMMEND_STAGE:
        return NotReplayable(
            "an application wrote it: edit it there, and have it sent again; what comes twice counts once"
        )
    if dead_letter.stage == SCORING_STAGE:
        return NotReplayable(
            "the windows and the stores have had this reading: sent again it would count twice. It has no score"
        )
    if dead_letter.original_sha256 is not None:
        return NotReplayable(f"only the first {len(kept.payload):,} of {dead_letter.original_size:,} bytes are kept")
    if dead_letter.stage in store_rows.STORES:
        return _to_store(dead_letter, edited, as_device)
    if dead_letter.stage in RAW_STAGES or (dead_letter.position and dead_letter.position.topic == TELEMETRY_RAW.name):
        return _to_raw(kept.id, dead_letter, largest_bytes, edited, as_device)
    return NotReplayable(f"no replay is defined for dead letters of {dead_letter.stage}")


def _to_raw(
    id_: object, dead_letter: DeadLetter, largest_bytes: int, edited: bytes | None, as_device: str | None
) -> ReplayTarget:
    payload = (dead_letter.original or b"") if edited is None else edited
    device = as_device or dead_letter.device
    if device is None or not _is_a_device(device):
        what = "no device" if device is None else "a device that is refused (a control character, slash or backslash)"
        return NotReplayable(f"it has {what}; name one of 1 to {MAX_NAME_LENGTH} characters:  --as-device NAME")
    if len(payload) > largest_bytes:
        return NotReplayable(
            f"{len(payload):,} bytes are over the {largest_bytes:,} that the bridge takes: "
            "edit it, or publish it in parts"
        )
    return ToTopic(TELEMETRY_RAW.name, device.encode(), payload, _headers(id_, dead_letter, edited is not None))


def _headers(id_: object, dead_letter: DeadLetter, is_edited: bool) -> list[tuple[str, bytes]]:
    # Without ts in the payload, the time of a reading is received_at, and without that when the broker stored it.
    headers = {RECEIVED_AT: b"%d" % dead_letter.first_seen} | dead_letter.headers
    headers |= {REPLAYS: b"%d" % (dead_letter.replays + 1), DEAD_LETTER: str(id_).encode()}
    headers.pop(EDITED, None)
    return list(headers.items()) + ([(EDITED, b"1")] if is_edited else [])


def _to_store(dead_letter: DeadLetter, edited: bytes | None, as_device: str | None) -> ReplayTarget:
    if edited is not None or as_device is not None:
        topic = dead_letter.position.topic if dead_letter.position else "a topic"
        return NotReplayable(f"its record in {topic} is correct: fix the store, then replay it unchanged")
    try:
        return ToStore(*store_rows.row(dead_letter))
    except UnreadableRecord as error:
        return NotReplayable(f"its record cannot be read: {error}")


def _is_a_device(device: str) -> bool:
    return "\\" not in device and "/" not in device and device_name_fault(device) is None

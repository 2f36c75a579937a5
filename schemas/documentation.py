"""Reference pages generated from the definitions: `python -m schemas.documentation` writes those that changed."""

import json
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from pydantic import BaseModel, BeforeValidator, TypeAdapter
from pydantic.fields import FieldInfo

from schemas.personal import Personal
from schemas.presets import PRESETS, Preset, preset
from schemas.record import Position, Record
from schemas.redis_keys import DAY_S, HOUR_S, KEYS, RedisKey
from schemas.reject_reasons import RejectReason
from schemas.source import DEFAULT_SOURCE, Source
from schemas.sql import sql_type
from schemas.topics import DAY_MS, MIB, TOPICS, Topic
from schemas.unit_conversions import CONVERSIONS
from schemas.units import ACCEPTED_UNITS, ALIASES, DECIDED_BY_METRIC, METRIC_UNITS
from schemas.usage_features import USAGE_FEATURES

DOCS = Path(__file__).resolve().parents[1] / "docs" / "reference"
MADE_BY = "<!-- Made by `python -m schemas.documentation` from schemas/{source}. Do not edit. -->\n"


def records() -> str:
    """Every record with its fields, and the position that most of them carry."""
    sections = [_fields_of(topic.record, f"Topic `{topic.name}`.") for topic in TOPICS if topic.record]
    position = _fields_of(Position, "A field of most records.")
    introduction = (
        "What travels on the topics: one JSON object a record. A field that is null may be left out. Readers accept\n"
        "every earlier schema version: a new field has a default, and no field changes its type.\n"
    )
    return _page("Records", "*.py", [introduction, *sections, position])


def reject_reasons() -> str:
    """Every reason with its meaning and a payload that gets it."""
    rows = ((f"`{reason}`", _cell(reason.meaning), _example(reason)) for reason in RejectReason)
    introduction = (
        "Why a record became a dead letter. The list is closed. The example is a payload that gets the reason; a test\n"
        "sends each of them.\n"
    )
    return _page("Reject reasons", "reject_reasons.py", [introduction, _table(("reason", "meaning", "example"), rows)])


def units() -> str:
    """Every metric with its unit, and every accepted code with its conversion."""
    metrics = ((f"`{metric}`", _code(unit)) for metric, unit in METRIC_UNITS.items())
    quantities = ((_code(unit), ", ".join(map(_conversion, codes))) for unit, codes in ACCEPTED_UNITS.items())
    introduction = (
        "A metric has one unit, and readings in another accepted unit are converted to it. Codes are\n"
        "[UCUM](https://ucum.org/ucum), case-sensitive. A reading without `unit` is taken to be in the metric's unit.\n"
    )
    not_listed = "A metric that is not listed takes the stored unit of the code that it is sent with.\n"
    aliases = ((_code(unit), ", ".join(map(_spellings, _by_code(names).items()))) for unit, names in ALIASES.items())
    spelled = (
        "Spellings that are no UCUM, and the codes that they stand for. White space is ignored. Characters that look\n"
        "alike are the same (Unicode normal form KC): `m³` and `m^3` are `m3`, `µ` is `u`, `·` is `.`, `℃` is `°C`. A\n"
        "source can declare spellings of its own (`units` in `sources.toml`).\n"
    )
    decided = ", ".join(_code(alias) for alias in sorted(DECIDED_BY_METRIC))
    ambiguous = (
        "Where a spelling is the UCUM code of something else, the metric decides: `F` is degree Fahrenheit for a\n"
        "metric that is stored in `Cel`, and otherwise the farad; `g` is standard gravity for an acceleration, and\n"
        f"otherwise the gram. {decided} are UCUM codes of units that are not accepted (bel, coulomb, gauss): they are\n"
        "read for metrics that are stored in the unit of their line, and otherwise are `unknown_unit`.\n"
    )
    accepted = "Behind each code: what its value is multiplied with, and what is then added.\n"
    return _page("Units", "units.py", [
        introduction, "## Metrics\n", _table(("metric", "stored in"), metrics), not_listed,
        "## Accepted codes\n", accepted, _table(("stored in", "accepted"), quantities),
        "## Other spellings\n", spelled, _table(("stored in", "spellings"), aliases), ambiguous,
    ])  # fmt: skip


def topics() -> str:
    """Every topic with its settings."""
    head = (
        "topic",
        "purpose",
        "key",
        "value",
        "partitions",
        "kept for",
        "kept of a partition",
        "largest message",
        "people",
    )
    introduction = (
        "Kafka stamps records of all topics as it appends them (LogAppendTime). It removes the oldest records when\n"
        "the first limit is reached, in days or in bytes.\n"
        "People: whether a topic holds personal data, by name or by pseudonym, and within how many days that is\n"
        "removed ([Privacy](../how-to/privacy.md)).\n"
    )
    limited = [topic for topic in TOPICS if topic.retention_ms >= 0]
    gib = sum(topic.partitions * topic.retention_bytes for topic in limited) // (1024 * MIB)
    together = (
        f"At most {gib} GiB on disk: the sum of the limits in bytes of the {len(limited)} topics that have one.\n"
        "A compacted topic without a limit grows with its keys.\n"
    )
    return _page("Topics", "topics.py", [introduction, _table(head, map(_topic, TOPICS)), together])


def usage_features() -> str:
    """Every usage feature with what it is made of."""
    head = ("feature", "of", "aggregate", "window", "meaning")
    rows = ((f"`{f.name}`", f.source, f.aggregate, f"{f.window_h} h", _cell(f.meaning)) for f in USAGE_FEATURES)
    introduction = (
        "How a customer uses the product, as a churn model may see it: aggregates over whole hours, up to the hour\n"
        "`as_of`. Without any event a feature is 0. How they are computed and stored:\n"
        "[Churn models](../how-to/churn.md#usage).\n"
    )
    return _page("Usage features", "usage_features.py", [introduction, _table(head, rows)])


def sources() -> str:
    """Every field of a source, and every preset."""
    fields = (
        (f"`{name}`", _json_type(field), _source_default(name, field), _cell(field.description or ""))
        for name, field in Source.model_fields.items()
    )
    introduction = (
        "Which MQTT topics are read, and how payloads become readings: `sources.toml` has one table `[[source]]` for\n"
        "each source. The first source whose filter matches a topic has it. The file is that of `HEADRACE_SOURCES`,\n"
        "else `sources.toml` in the stack's folder. Without a file the default source is read:\n"
        "`fleet/{device}/telemetry` with Headrace's own JSON. How to write one: [Sources](../how-to/sources.md).\n"
    )
    places = (
        f"{_docstring(Source)}\n\n"
        'With `codec = "json"`, expressions for device, unit, sequence and time that find nothing in an item are\n'
        "looked up in the whole payload. A glob is a name in which `*` stands for any text. `include` and `exclude`\n"
        "see metrics as they were sent, after `flatten`; then `rename` names them, and `unit`, `metric_units` and\n"
        "`units` know the new names. A message of which nothing is kept goes to `telemetry.ignored`.\n\n"
        "The key of a record in `telemetry.raw` is the device where topic or login name it. Where only the payload\n"
        "does, the key is the topic: messages of one topic keep their order.\n"
    )
    presets = ((f"`{name}`", *_preset(preset(name))) for name in PRESETS)
    state = (
        "A source with `preset` has the preset's fields. A field of the table replaces the preset's; tables such as\n"
        "`rename` are merged. `headrace source test` decodes the test vectors of all presets.\n"
    )
    return _page("Sources", "source.py and schemas/presets", [
        introduction, "## Fields\n", places, _table(("field", "type", "default", "meaning"), fields),
        "## Presets\n", state, _table(("preset", "for", "topic", "codec"), presets),
    ])  # fmt: skip


def redis_keys() -> str:
    """Every key of Redis with its value, lifetime and bound."""
    rows = ((f"`{key.shown}`", _cell(key.value), _lifetime(key), _cell(key.bound), _people_of(key)) for key in KEYS)
    introduction = (
        "What jobs keep in Redis for applications and for the REST API. A lifetime counts from the key's last change.\n"
        "People: how the id names a person, if it does ([privacy.md](../how-to/privacy.md)).\n"
    )
    head = ("key", "value", "lifetime", "bound", "people")
    return _page("Redis keys", "redis_keys.py", [introduction, _table(head, rows)])


PAGES: dict[str, Callable[[], str]] = {
    "records.md": records,
    "reject_reasons.md": reject_reasons,
    "units.md": units,
    "topics.md": topics,
    "redis_keys.md": redis_keys,
    "usage_features.md": usage_features,
    "sources.md": sources,
}


def stale(folder: Path = DOCS) -> list[str]:
    """Names of the pages that are not what the definitions say."""
    return [name for name, page in PAGES.items() if not _holds(folder / name, page())]


def main(folder: Path = DOCS) -> None:
    """Write the pages that are not as the schemas have them."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in stale(folder):
        (folder / name).write_text(PAGES[name]())
        print(f"wrote {folder / name}", file=sys.stderr)


def _holds(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text() == text


def _page(title: str, source: str, parts: Iterable[str]) -> str:
    return "\n".join([MADE_BY.format(source=source), f"# {title}\n", *parts])


def _fields_of(model: type[BaseModel], where: str) -> str:
    version = f" Schema version {model.SCHEMA_VERSION}." if issubclass(model, Record) else ""
    rows = (
        (f"`{name}`", _type(name, field), _default(field), _cell(field.description or ""))
        for name, field in model.model_fields.items()
    )
    table = _table(("field", "SQL type", "without it", "meaning"), rows)
    return f"## {model.__name__}\n\n{where}{version} {_docstring(model)}\n\n{table}"


def _docstring(model: type[BaseModel]) -> str:
    return " ".join((model.__doc__ or "").split())


def _type(name: str, field: FieldInfo) -> str:
    sql = sql_type(name, field.annotation)
    return "[Position](#position)" if sql.startswith("ROW") else f"`{sql}`"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    return f"`{json.dumps(field.get_default(call_default_factory=True))}`"


_TOML_TYPES = {"string": "text", "boolean": "true or false", "array": "list of texts", "object": "table"}


def _json_type(field: FieldInfo) -> str:
    schema = TypeAdapter(field.rebuild_annotation()).json_schema()
    choices = [each for each in schema.get("anyOf", [schema]) if each.get("type") != "null"]
    schema = {**schema, **choices[0]}
    if "$ref" in schema:
        schema = schema["$defs"][schema["$ref"].split("/")[-1]]
    if "enum" in schema:
        return ", ".join(f"`{each}`" for each in schema["enum"])
    takes_text = any(isinstance(each, BeforeValidator) for each in field.metadata)
    return f"{'text or ' * takes_text}{_TOML_TYPES[schema['type']]}"


def _source_default(name: str, field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = getattr(DEFAULT_SOURCE, name)
    return f"`{json.dumps(value)}`" if value not in (None, (), {}) else "none"


def _preset(of: Preset) -> tuple[str, ...]:
    topics = Source(name="preset", **of.source).topic
    return f"[{of.title}]({of.documentation})", ", ".join(map(_code, topics)), f"`{of.source['codec']}`"


def _example(reason: RejectReason) -> str:
    if reason.example is None:
        return ""
    return _code(reason.example.decode(errors="backslashreplace")) if reason.example else "no bytes"


def _conversion(code: str) -> str:
    conversion = CONVERSIONS[code]
    if code == conversion.unit:
        return _code(code)
    offset = f" {'+' if conversion.offset > 0 else '-'} {abs(conversion.offset):.10g}" if conversion.offset else ""
    return f"{_code(code)} (× {conversion.factor:.10g}{offset})"


def _by_code(names: Mapping[str, str]) -> dict[str, list[str]]:
    return {code: [name for name, stands_for in names.items() if stands_for == code] for code in names.values()}


def _spellings(given: tuple[str, list[str]]) -> str:
    code, names = given
    return f"{', '.join(map(_code, names))} ({_code(code)})"


def _topic(topic: Topic) -> tuple[str, ...]:
    value = f"[{topic.record.__name__}](records.md#{topic.record.__name__.lower()})" if topic.record else "bytes"
    days, size = topic.retention_ms // DAY_MS, topic.retention_bytes // MIB
    newest = "newest of a key" if "compact" in topic.cleanup_policy else ""
    kept = (newest, "") if topic.retention_ms < 0 else (f"{newest}{', ' * bool(newest)}{days} days", f"{size} MiB")
    gone = topic.gone_within_ms
    people = "" if gone is None else f"{topic.personal}, {gone // DAY_MS} days"
    limits = (str(topic.partitions), *kept, f"{topic.max_message_bytes // MIB} MiB", people)
    return (f"`{topic.name}`", _cell(topic.purpose), topic.key, value, *limits)


def _lifetime(key: RedisKey) -> str:
    if key.lifetime_s is None:
        return "none"
    return f"{key.lifetime_s // DAY_S} days" if key.lifetime_s % DAY_S == 0 else f"{key.lifetime_s // HOUR_S} h"


def _people_of(key: RedisKey) -> str:
    return "" if key.names_people is Personal.NO else str(key.names_people)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _code(text: str) -> str:
    return f"`{_cell(text)}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    main()

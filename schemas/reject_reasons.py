"""Why a record becomes a dead letter: a closed list. docs/reference/reject_reasons.md is made from it."""

from enum import StrEnum

from schemas.limits import MAX_CLOCK_SKEW_MINUTES, MAX_MESSAGE_ITEMS, MAX_NAME_LENGTH


class RejectReason(StrEnum):
    """The `reason` of a dead letter; `meaning` says what to correct, `example` is a payload that gets it."""

    meaning: str
    example: bytes | None

    def __new__(cls, code: str, meaning: str, example: bytes | None = None) -> "RejectReason":
        """A member whose value is `code`."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        member.example = example
        return member

    # The bridge: what it refuses itself does not reach telemetry.raw.
    NO_DEVICE = (
        "no_device",
        "No source reads the MQTT topic, or its level {device} is empty, has a control character, or is over "
        f"{MAX_NAME_LENGTH} characters.",
    )
    PAYLOAD_TOO_LARGE = "payload_too_large", "The payload is over 256 KiB."
    BAD_DEVICE = (
        "bad_device",
        f"The device has a control character or a backslash, or is over {MAX_NAME_LENGTH} characters.",
    )

    # The message as a whole: one item, the whole payload.
    EMPTY_PAYLOAD = "empty_payload", "The payload has no bytes.", b""
    INVALID_UTF8 = "invalid_utf8", "The payload is not UTF-8 text.", b'{"metric":"t","value":1,"unit":"\xff"}'
    NOT_JSON = (
        "not_json",
        "The payload is not one JSON text: cut off, followed by something, or nested over 1,024 deep.",
        b'{"metric":',
    )
    NOT_A_READING = "not_a_reading", "Valid JSON, but no object where a reading should stand.", b"21.4"
    EMPTY_ARRAY = "empty_array", "An array without readings.", b"[]"
    TOO_MANY_ITEMS = "too_many_items", f"One message holds over {MAX_MESSAGE_ITEMS:,} readings."
    NOT_CBOR = "not_cbor", "The payload is not one CBOR data item, or is nested deeper than its format needs."
    NOT_SENML = (
        "not_senml",
        "JSON or CBOR, but no SenML pack that this version reads (RFC 8428), or an element that is no SenML record.",
    )
    NOT_A_POINT = (
        "not_a_point",
        "A line is no point of the InfluxDB line protocol, or the payload has none. `detail` names the line.",
    )
    NOT_A_CLOUDEVENT = (
        "not_a_cloudevent",
        "Neither a CloudEvent nor a batch of them, or an event without data that the source's `data_codec` reads.",
    )
    NO_VALUES = "no_values", "`values` is empty or is no object.", b'{"ts":1719800000123,"values":{}}'

    NOT_SPARKPLUG = "not_sparkplug", "The payload is no Sparkplug B message: protobuf cannot read it."
    DECODER_FAILED = (
        "decoder_failed",
        "A codec or the validation failed on this message; `detail` has the traceback. It is a fault of Headrace: "
        "report it, and replay the message once a version fixes it.",
    )

    # One item of a message; its siblings are not affected.
    NO_METRIC = "no_metric", "`metric` is missing or empty, or the object is empty.", b'{"value":21.4}'
    BAD_METRIC = (
        "bad_metric",
        "`metric` is an object or array, has a control character, a backslash or half a surrogate pair, "
        f"or is over {MAX_NAME_LENGTH} characters.",
        b'{"metric":"a\\u0007b","value":21.4}',
    )
    NO_VALUE = "no_value", "`value` is missing or null.", b'{"metric":"temperature"}'
    NESTED_VALUES = (
        "nested_values",
        "A field of a map of values is an object or array; such a map has numbers.",
        b'{"ts":1719800000123,"values":{"pos":{"x":1}}}',
    )
    BAD_VALUE = "bad_value", "`value` is not a finite number.", b'{"metric":"temperature","value":"warm"}'
    BAD_TS = (
        "bad_ts",
        "`ts` is no time in the source's time format: ms, unless it declares another.",
        b'{"metric":"temperature","value":21.4,"ts":"noon"}',
    )
    TS_OUT_OF_RANGE = (
        "ts_out_of_range",
        f"`ts` is before 2010 or over {MAX_CLOCK_SKEW_MINUTES} minutes after the message was stored "
        "(another unit than the source's time format?).",
        b'{"metric":"temperature","value":21.4,"ts":1719800000}',
    )
    BAD_SEQ = "bad_seq", "`seq` is not a whole number.", b'{"metric":"temperature","value":21.4,"seq":"first"}'
    UNKNOWN_UNIT = (
        "unknown_unit",
        "`unit` is no UCUM code and no other spelling that [Units](units.md) lists.",
        b'{"metric":"temperature","value":21.4,"unit":"degrees"}',
    )
    WRONG_UNIT = (
        "wrong_unit",
        "`unit` measures something else than this metric.",
        b'{"metric":"temperature","value":21.4,"unit":"km/h"}',
    )
    AMBIGUOUS_TIME = (
        "ambiguous_time",
        "An earlier sample of the same metric in the same message has no `ts` either. Send a `ts` with each sample.",
    )
    CONFLICTING_DUPLICATE = (
        "conflicting_duplicate",
        "A reading of this device, metric and time came before, with another value. The first one stays.",
    )
    TOO_MANY_SERIES = (
        "too_many_series",
        "The first reading of a series, where there are as many series, devices, or metrics of this device as the "
        "settings allow. Series that are known go on. `detail` names the limit and its setting.",
    )

    UNKNOWN_METRIC = (
        "unknown_metric",
        "Sparkplug B: no birth defines the metric, or a message of its session is missing, so that its alias may "
        "mean something else. A rebirth was requested.",
    )

    # Stores and models.
    NOT_A_CUSTOMER = "not_a_customer", "A record of `customers` without a key, or that is no row of change capture."
    UNSCORABLE_CUSTOMER = (
        "unscorable_customer",
        "The row lacks a column that the churn model reads, or has text where it reads a number.",
    )
    NOT_USAGE = "not_usage", "A record of `customers.usage` that is none."
    NOT_AN_INTERACTION = (
        "not_an_interaction",
        f"A record of `interactions` that is none, with a name that is empty or over {MAX_NAME_LENGTH} characters, or "
        f"with a time before 2010 or over {MAX_CLOCK_SKEW_MINUTES} minutes after it was stored.",
    )
    NOT_AN_ITEM = "not_an_item", "A record of `items` that is none, or without value and key."
    NOT_A_FORGOTTEN_USER = "not_a_forgotten_user", "A record of `users.forgotten` that is none."
    REFUSED_BY_INFLUXDB = "refused_by_influxdb", "InfluxDB refused this row; `detail` has its message."
    REFUSED_BY_REDIS = (
        "refused_by_redis",
        "Its key in Redis holds another type of value, or its device has too many metrics.",
    )
    QUARANTINED = (
        "quarantined",
        "A job failed three times while it processed this record, or its worker ended. `detail` has the exception.",
    )

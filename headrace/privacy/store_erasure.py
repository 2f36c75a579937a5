"""A user in Redis and InfluxDB: removed, and looked for."""

from connectors.endpoints import Endpoints
from connectors.influxdb.deletion import InfluxDBRemover
from connectors.influxdb.reader import InfluxDBReader, text
from connectors.redis.clients import client_of, translated
from connectors.stores import StoreMisconfigured, StoreUnavailable
from headrace.privacy.finding import Finding
from schemas.redis_keys import CHURN_DELETED, keys_to_forget

AGAIN = "Run the command again when it is available"
AGAIN_SOON = "Run the command again"
OWNED = """from(bucket: {bucket}) |> range(start: 0, stop: 2200-01-01T00:00:00Z)
  |> filter(fn: (r) => r._measurement == "reading" and r._field == "owner" and r._value == {owner})"""
BLANKED = (
    OWNED
    + """
  |> map(fn: (r) => ({{r with _value: ""}})) |> to(bucket: {bucket}, org: {org})"""
)
COUNTED = OWNED + " |> group() |> count()"
RISKS = """from(bucket: {bucket}) |> range(start: 0, stop: 2200-01-01T00:00:00Z)
  |> filter(fn: (r) => r._measurement == "churn" and r.customer == {owner}) |> group() |> count()"""


def remove_from_redis(endpoints: Endpoints, user: str, pseudonym: str) -> Finding:
    """The user's list and risk go, under the id or the pseudonym; the note about a deleted row goes by itself."""
    keys = keys_to_forget(user, pseudonym)
    try:
        with translated(), client_of(endpoints) as client:
            client.delete(*keys)
            left = client.exists(*keys)
            note_s = client.ttl(CHURN_DELETED.key(user))
    except StoreUnavailable as error:
        return Finding("Redis", f"not erased: {error}. {AGAIN}", stays=True)
    except StoreMisconfigured as error:
        return Finding("Redis", f"not erased: {error}", stays=True)
    if left:
        return Finding("Redis", f"{left} keys are left, because something writes them. {AGAIN_SOON}", stays=True)
    if note_s > 0:  # without the note, a replay of the row's changes would bring the risk back
        return Finding("Redis", f"the note that the row was deleted, gone within {-(-note_s // 60)} minutes")
    return Finding("Redis", "nothing")


def remove_from_influxdb(endpoints: Endpoints, user: str) -> Finding:
    """Risks of the customer go, and the name of the owner goes from readings, which stay."""
    bucket = endpoints.influxdb_bucket
    said = {"bucket": text(bucket), "owner": text(user), "org": text(endpoints.influxdb_org)}
    reader = InfluxDBReader.connect(endpoints)
    try:
        InfluxDBRemover.connect(endpoints).remove("churn", "customer", user)
        for _ in reader.rows(BLANKED.format(**said)):
            pass  # what was written; an answer that is not read may not have been written
        left = sum(int(row["_value"]) for query in (COUNTED, RISKS) for row in reader.rows(query.format(**said)))
    except StoreUnavailable as error:
        return Finding("InfluxDB", f"not erased: {error}. {AGAIN}", stays=True)
    except (StoreMisconfigured, ValueError) as error:
        return Finding("InfluxDB", f"not erased: {error}", stays=True)
    if left:
        return Finding("InfluxDB", f"{left} points are left, because something writes them. {AGAIN_SOON}", stays=True)
    return Finding("InfluxDB", "nothing")

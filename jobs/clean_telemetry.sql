-- clean_telemetry: from payloads as devices sent them to readings that every other job can trust.
--
--   telemetry_raw -> messages -> [gather, Java] -> gathered -+-> [DecodeTelemetry, Python] ------+-> decoded
--                                                            +-> [DecodeSessions, Python, keyed] -+
--   decoded -> [scatter, limit-series, Java] -> items
--   items -+-> counted -> numbered -+-> telemetry_readings
--          |                        +-> telemetry_duplicates
--          |                        +-> conflicts -+-> refused -+
--          +-> of too many series -----------------+            |
--          +-> what is no reading ------------------------------+-> dead_letters
--          +-> telemetry_ignored, telemetry_commands
--
-- Every item of every message leaves exactly once: items = readings + duplicates + ignored + dead letters. What a payload holds
-- and what makes a reading valid is Python (payload_codecs); SQL tells which readings came before.

-- The headers that a codec is chosen by, each by itself, and all of them for dead letters. Bucket 0 has the messages
-- that mean what they say; the others, by their sender, those of formats with state, such as Sparkplug B.
CREATE TEMPORARY VIEW messages AS
SELECT
  CASE WHEN DECODE(headers['source'], 'UTF-8') IN (${session_sources})
    THEN 1 + MOD(MOD(HASH_CODE(COALESCE(device, '')), ${buckets}) + ${buckets}, ${buckets}) ELSE 0 END AS bucket,
  device, payload, headers['source'] AS source, headers['mqtt_topic'] AS mqtt_topic,
  headers['received_at'] AS received_at, `partition`, `offset`, append_time, headers
FROM telemetry_raw;

-- In the task of the source: what goes to Python is one row a batch.
CREATE TEMPORARY VIEW gathered AS OPERATOR gather;

CREATE TEMPORARY VIEW decoded_messages AS OPERATOR decode;

CREATE TEMPORARY VIEW decoded_sessions AS OPERATOR decode_sessions;

CREATE TEMPORARY VIEW decoded AS
SELECT * FROM decoded_messages UNION ALL SELECT * FROM decoded_sessions;

-- Key and record of each item. Of a reading also its identity, and what a dead letter is made of if it is a conflict.
-- And over_limit: which limit keeps its series out, if it is new.
CREATE TEMPORARY VIEW items AS OPERATOR scatter;

-- Which time this identity comes, and which value it had first. Insert-only, and it forgets after
-- table.exec.state.ttl: a copy later than that is a reading again, and overwrites itself in the stores.
CREATE TEMPORARY VIEW counted AS
SELECT key, record, `value`, original, headers, appended_ms, COUNT(*) OVER so_far AS occurrence, FIRST_VALUE(`value`) OVER so_far AS first_value_seen
FROM (SELECT *, PROCTIME() AS proc FROM items WHERE `identity` IS NOT NULL AND over_limit IS NULL)
WINDOW so_far AS (PARTITION BY key, `identity` ORDER BY proc ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW);

CREATE TEMPORARY VIEW numbered AS OPERATOR deduplicate;

CREATE TEMPORARY VIEW refused AS
SELECT *, DECODE(record, 'UTF-8') AS reading, MAP_OF_FRAME(headers) AS all_headers
FROM (
  SELECT key, record, original, headers, appended_ms, 'conflicting_duplicate' AS reason, 'was ' || CAST(first_value_seen AS STRING) || ', then ' || CAST(`value` AS STRING) AS detail
  FROM numbered WHERE occurrence > 1 AND `value` <> first_value_seen
  UNION ALL
  SELECT key, record, original, headers, appended_ms, 'too_many_series' AS reason, over_limit AS detail
  FROM items WHERE over_limit IS NOT NULL
);

INSERT INTO telemetry_readings
SELECT key, record FROM numbered WHERE occurrence = 1;

INSERT INTO telemetry_duplicates
SELECT key, ENCODE(LEFT(reading, CHAR_LENGTH(reading) - 1) || ',"occurrence":' || CAST(occurrence AS STRING) || '}', 'UTF-8')
FROM (SELECT *, DECODE(record, 'UTF-8') AS reading FROM numbered)
WHERE occurrence > 1 AND `value` = first_value_seen;

INSERT INTO telemetry_ignored
SELECT key, record FROM items WHERE is_ignored;

INSERT INTO telemetry_commands
SELECT key, record FROM items WHERE is_command;

INSERT INTO dead_letters
SELECT key, record FROM items WHERE `identity` IS NULL AND NOT is_ignored AND NOT is_command
UNION ALL
SELECT key, ENCODE(JSON_OBJECT(
  'schema_version' VALUE 1,
  'reason' VALUE reason,
  'detail' VALUE LEFT(JSON_VALUE(reading, '$.metric') || ' ' || detail, ${max_detail}),
  'stage' VALUE 'clean_telemetry',
  'device' VALUE DECODE(key, 'UTF-8'),
  'original' VALUE original,
  'original_size' VALUE CHAR_LENGTH(DECODE(original, 'ISO-8859-1')),
  'headers' VALUE all_headers,
  'position' VALUE JSON(JSON_QUERY(reading, '$.position')),
  'first_seen' VALUE appended_ms,
  'replays' VALUE COALESCE(TRY_CAST(CAST(all_headers['replays'] AS STRING) AS INT), 0)
), 'UTF-8')
FROM refused;

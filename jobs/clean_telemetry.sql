-- clean_telemetry: from payloads as devices sent them to readings that every other job can trust.
--
--   telemetry_raw -> texts -+-> plain_fields ---------------------------------+-> fields -> typed -> converted -> judged
--                           +-> messages -> contents -> items -> item_fields -+
--   judged -+-> numbered -+-> telemetry_readings
--           |             +-> telemetry_duplicates
--           |             +-> conflicts -+
--           +-> refused ----------------+-> dead_letters
--
-- Every item of every message leaves exactly once: items = readings + duplicates + dead letters.
-- Reasons are those of schemas/reject_reasons.py; ${...} are constants made from schemas/units.py and schemas/limits.py.
--
-- CROSS JOIN UNNEST(ARRAY[ROW(...)]) makes no second row. It is a fence: without it the planner writes
-- the expression of a column in full wherever the column is used, and a payload is parsed forty times.

-- append_time is the broker's clock, the only one that all devices share.
-- Most messages are one plain reading: an object of at most 40 names, numbers and ASCII words, nothing escaped,
-- nothing nested. A regular expression proves that it is that and complete; any doubt goes the long way.
CREATE TEMPORARY VIEW texts AS
SELECT
  *,
  REGEXP(body, '\A\{(?:"(?!values"| )[\w./% -]{1,${max_name_length}}+": ?+(?:-?+(?:0|[1-9]\d{0,14}+)(?:\.\d{1,17}+)?+|"(?!null"| )[\w./% -]{1,${max_name_length}}+"|null|true|false)(?:, ?+(?=")|\}\z)){1,40}+\z') AS is_plain
FROM (SELECT *, CAST(payload AS STRING) AS body FROM telemetry_raw);

-- The short way: no word holds a quote, a comma or a colon, or begins with a space, so cutting the text there is exact.
CREATE TEMPORARY VIEW plain_fields AS
SELECT
  device, payload, headers, `partition`, `offset`, append_time, proc,
  0 AS item, 1 AS items, CAST(NULL AS STRING) AS item_text, FALSE AS has_values, CAST(NULL AS STRING) AS text_reason,
  NULLIF(field['metric'], 'null') AS metric,
  NULLIF(field['value'], 'null') AS value_text,
  NULLIF(field['ts'], 'null') AS ts_text,
  NULLIF(field['seq'], 'null') AS seq_text,
  NULLIF(field['unit'], 'null') AS unit
FROM texts CROSS JOIN UNNEST(ARRAY[
  STR_TO_MAP(REPLACE(REPLACE(REPLACE(SUBSTRING(body, 2, CHAR_LENGTH(body) - 2), '"', ''), ', ', ','), ': ', ':'), ',', ':')
]) AS f (field)
WHERE is_plain;

-- The long way: what is wrong with the message as a whole, if anything.
-- No cost here may grow faster than the payload: a regular expression must not recurse (possessive quantifiers, no
-- alternation that is repeated), and nothing that is as long as the message may be read once for each item.
-- Of a name that stands twice in an object the JSON parser keeps the last value (RFC 8259, section 4, leaves it open).
CREATE TEMPORARY VIEW messages AS
SELECT shaped.*, text_reason
FROM (
  SELECT
    device, payload, headers, `partition`, `offset`, append_time, proc, body,
    CASE REGEXP_EXTRACT(body, '\A[ \t\n\r]*+([\[{])', 1) WHEN '{' THEN 'object' WHEN '[' THEN 'array' ELSE 'other' END AS shape,
    -- a substring test first: a JSON path costs a parse
    CASE WHEN POSITION('"values"' IN body) > 0 THEN JSON_QUERY(body, '$.values') END AS metrics,
    POSITION('"values"' IN body) > 0 AND JSON_EXISTS(body, '$.values') AS has_values,
    -- of `values`; an item of an array has its own
    CASE WHEN POSITION('"values"' IN body) > 0 AND POSITION('"ts"' IN body) > 0 THEN JSON_VALUE(body, '$.ts') END AS message_ts,
    CASE WHEN POSITION('"values"' IN body) > 0 AND POSITION('"seq"' IN body) > 0 THEN JSON_VALUE(body, '$.seq') END AS message_seq
  FROM texts
  WHERE is_plain IS NOT TRUE
) AS shaped CROSS JOIN UNNEST(ARRAY[
  CASE
    WHEN payload IS NULL OR body = '' THEN 'empty_payload'
    WHEN POSITION(U&'\FFFD' IN body) > 0 AND ENCODE(body, 'UTF-8') <> payload THEN 'invalid_utf8'
    -- Both wrappings parse only if body is one complete JSON text. IS JSON alone accepts
    -- `{"value":1} and anything after it`, and what follows would be lost.
    WHEN ('[' || body || ']') IS NOT JSON ARRAY OR ('{"p":' || body || '}') IS NOT JSON OBJECT THEN
      -- NaN and Infinity are no JSON, but many encoders write them: name the value, not the text.
      CASE WHEN REGEXP(body, '[:,\[]\s*+-?(NaN|Infinity)\s*+[,\]}]') AND
             ('[' || REGEXP_REPLACE(body, '(?<=[:,\[\s])-?(NaN|Infinity)(?=\s*+[,\]}])', 'null') || ']') IS JSON ARRAY
           THEN 'bad_value' ELSE 'not_json' END
    WHEN shape = 'other' THEN 'not_a_reading'
    WHEN shape = 'array' AND CHAR_LENGTH(body) > 20000
      AND CARDINALITY(JSON_QUERY(body, '$' RETURNING ARRAY<STRING>)) > ${max_items} THEN 'too_many_items'
    WHEN shape = 'object' AND has_values THEN
      CASE
        WHEN metrics IS NULL OR metrics = '{}' OR LEFT(metrics, 1) <> '{' THEN 'no_values'
        WHEN CHAR_LENGTH(metrics) > 20000
          AND CARDINALITY(JSON_QUERY(metrics, '$.*' RETURNING ARRAY<STRING>)) > ${max_items} THEN 'too_many_items'
        -- JSON_QUERY finds objects and arrays only. A long text is not kept with each of the items, as a short one is.
        WHEN POSITION('"ts"' IN body) > 0 AND (JSON_QUERY(body, '$.ts') IS NOT NULL
          OR CHAR_LENGTH(message_ts) > 200 AND TRY_CAST(message_ts AS BIGINT) IS NULL) THEN 'bad_ts'
        WHEN POSITION('"seq"' IN body) > 0 AND (JSON_QUERY(body, '$.seq') IS NOT NULL
          OR CHAR_LENGTH(message_seq) > 200 AND TRY_CAST(message_seq AS BIGINT) IS NULL) THEN 'bad_seq'
      END
  END
]) AS m (text_reason);

-- What the message holds, as two arrays that are parallel: the elements of an array, the fields of `values`.
-- An array of texts gives strings without their quotes, and the string `"{}"` is then like the object `{}`. So the
-- message is read once more with a mark before each string that looks like an object:
-- in an array a space, which only tells the two apart (labels), in `values` a U+0001, which items takes off again
-- (item_texts; a string that begins with U+0001 gets one too). JSON_QUERY has taken out the white space by then.
CREATE TEMPORARY VIEW contents AS
SELECT
  device, payload, headers, `partition`, `offset`, append_time, proc, message_ts, message_seq, shape, has_values, text_reason, item_texts,
  CASE
    WHEN text_reason IS NULL AND shape = 'array' AND (POSITION('"{' IN body) > 0 OR POSITION('"\u007' IN body) > 0)
      THEN JSON_QUERY(REGEXP_REPLACE(JSON_QUERY(body, '$'), '(?<=[\[,]")(?=\{)', ' '), '$' RETURNING ARRAY<STRING>)
    WHEN text_reason IS NULL AND shape = 'object' AND has_values
      THEN JSON_QUERY(JSON_QUERY(metrics, '$.keys()'), '$' RETURNING ARRAY<STRING>)
    ELSE item_texts
  END AS labels
FROM messages CROSS JOIN UNNEST(ARRAY[ROW(
  CASE
    WHEN text_reason IS NOT NULL THEN ARRAY[body]
    WHEN shape = 'array' THEN JSON_QUERY(body, '$' RETURNING ARRAY<STRING>)
    WHEN has_values THEN JSON_QUERY(REGEXP_REPLACE(metrics, '(?<=:")(?=[{\[]|\\u0001)', '\u0001'), '$.*' RETURNING ARRAY<STRING>)
    ELSE ARRAY[body]
  END
)]) AS t (item_texts);

-- One row an item: the elements of an array, the fields of `values`, else the message itself.
-- A message that is refused whole is one item, and so is an array without elements.
-- A map is how two arrays come into one row an item; it is no map in that its keys may repeat.
CREATE TEMPORARY VIEW items AS
SELECT
  device,
  -- not with each of many items: 5,000 times 256 KiB
  CASE WHEN nth IS NULL OR CARDINALITY(item_texts) < 2 THEN payload END AS payload,
  headers, `partition`, `offset`, append_time, proc, message_ts, message_seq, shape, has_values, text_reason,
  label,
  -- no contents: an empty array; or a number that was parsed and then not once more (123e2147483647 is 1.23E+2147483649)
  CASE WHEN nth IS NULL THEN CASE WHEN CARDINALITY(item_texts) = 0 THEN 'empty_array' ELSE 'bad_value' END END AS empty_reason,
  CASE WHEN shape = 'array' AND text_reason IS NULL AND LEFT(content, 1) = '{' AND LEFT(label, 1) <> '{'
       THEN JSON_STRING(content) ELSE content END AS item_text,
  CAST(COALESCE(nth, 1) - 1 AS INT) AS item,
  CASE WHEN nth IS NULL THEN 1 ELSE CARDINALITY(item_texts) END AS items
FROM contents
LEFT JOIN UNNEST(MAP_FROM_ARRAYS(labels, item_texts)) WITH ORDINALITY AS e (label, content, nth) ON TRUE;

-- The item's fields as text, each read once.
CREATE TEMPORARY VIEW item_fields AS
SELECT
  device, payload, headers, `partition`, `offset`, append_time, proc, item, items,
  -- of `values` only what is nested, which has no value_text; as it was before its strings were marked
  CASE WHEN has_values THEN CASE WHEN LEFT(item_text, 1) IN ('{', '[') THEN REPLACE(item_text, ':"\u0001', ':"') END
       ELSE item_text END AS item_text,
  has_values,
  COALESCE(text_reason, empty_reason, CASE
    WHEN shape = 'array' AND (item_text IS NULL OR LEFT(item_text, 1) <> '{') THEN 'not_a_reading'
    WHEN has_values THEN CASE WHEN LEFT(item_text, 1) IN ('{', '[') THEN 'nested_values' END
    -- JSON_VALUE finds no object and no array, JSON_QUERY finds nothing else
    WHEN metric IS NULL AND JSON_QUERY(item_text, '$.metric') IS NOT NULL THEN 'bad_metric'
    WHEN value_text IS NULL AND JSON_QUERY(item_text, '$.value') IS NOT NULL THEN 'bad_value'
    WHEN ts_text IS NULL AND POSITION('"ts"' IN item_text) > 0 AND JSON_QUERY(item_text, '$.ts') IS NOT NULL THEN 'bad_ts'
    WHEN seq_text IS NULL AND POSITION('"seq"' IN item_text) > 0 AND JSON_QUERY(item_text, '$.seq') IS NOT NULL THEN 'bad_seq'
    WHEN unit IS NULL AND POSITION('"unit"' IN item_text) > 0 AND JSON_QUERY(item_text, '$.unit') IS NOT NULL THEN 'unknown_unit'
  END) AS text_reason,
  metric, value_text, ts_text, seq_text, unit
FROM items CROSS JOIN UNNEST(ARRAY[ROW(
  CASE WHEN text_reason IS NOT NULL THEN CAST(NULL AS STRING)
       WHEN has_values THEN label
       ELSE JSON_VALUE(item_text, '$.metric') END,
  CASE WHEN text_reason IS NOT NULL THEN CAST(NULL AS STRING)
       WHEN has_values THEN CASE LEFT(item_text, 1)
         WHEN '{' THEN CAST(NULL AS STRING) WHEN '[' THEN CAST(NULL AS STRING)
         WHEN U&'\0001' THEN SUBSTRING(item_text, 2) ELSE item_text END
       ELSE JSON_VALUE(item_text, '$.value') END,
  CASE WHEN text_reason IS NOT NULL THEN CAST(NULL AS STRING)
       WHEN has_values THEN message_ts
       ELSE JSON_VALUE(item_text, '$.ts') END,
  -- a substring test first: most payloads have neither, and a JSON path costs a parse
  CASE WHEN text_reason IS NOT NULL THEN CAST(NULL AS STRING)
       WHEN has_values THEN message_seq
       WHEN POSITION('"seq"' IN item_text) > 0 THEN JSON_VALUE(item_text, '$.seq') END,
  CASE WHEN text_reason IS NULL AND NOT has_values AND POSITION('"unit"' IN item_text) > 0
       THEN NULLIF(JSON_VALUE(item_text, '$.unit'), '') END
)]) AS f (metric, value_text, ts_text, seq_text, unit);

CREATE TEMPORARY VIEW fields AS
SELECT * FROM plain_fields
UNION ALL
SELECT * FROM item_fields;

CREATE TEMPORARY VIEW typed AS
SELECT
  *,
  -- "Cel;0.5555555555555556;-17.77777777777778" of a unit that is not the metric's own; | separates the entries
  CASE WHEN unit <> COALESCE(metric_unit, '') AND POSITION('|' IN unit) = 0 THEN
    SPLIT_INDEX(SPLIT_INDEX(${conversions}, '|' || unit || '=', 1), '|', 0) END AS conversion
FROM fields CROSS JOIN UNNEST(ARRAY[ROW(
  -- without ts the bridge's clock, which never gives a device the same ms twice; without a bridge the broker's
  COALESCE(
    TRY_CAST(ts_text AS BIGINT),
    TRY_CAST(CAST(headers['received_at'] AS STRING) AS BIGINT),
    1000 * EXTRACT(EPOCH FROM append_time) + EXTRACT(MILLISECOND FROM append_time)
  ),
  TRY_CAST(value_text AS DOUBLE),
  TRY_CAST(seq_text AS BIGINT),
  ${unit_of_metric}[metric]
)]) AS t (event_time, number, sequence, metric_unit);

CREATE TEMPORARY VIEW converted AS
SELECT
  *,
  CASE WHEN conversion IS NULL THEN number
       ELSE number * CAST(SPLIT_INDEX(conversion, ';', 1) AS DOUBLE) + CAST(SPLIT_INDEX(conversion, ';', 2) AS DOUBLE)
  END AS `value`,
  COALESCE(SPLIT_INDEX(conversion, ';', 0), metric_unit) AS canonical_unit
FROM typed;

CREATE TEMPORARY VIEW judged AS
SELECT converted.*, reason
FROM converted CROSS JOIN UNNEST(ARRAY[
  CASE
    WHEN text_reason IS NOT NULL THEN text_reason
    WHEN device IS NULL OR device = '' THEN 'no_device'
    -- InfluxDB's line protocol has no way to write a name that ends with a backslash, or a line break
    WHEN CHAR_LENGTH(device) > ${max_name_length} OR REGEXP(device, '[\x00-\x1f\x7f\\]') THEN 'bad_device'
    WHEN metric IS NULL OR metric = '' THEN 'no_metric'
    WHEN CHAR_LENGTH(metric) > ${max_name_length} OR REGEXP(metric, '[\x00-\x1f\x7f\\]') THEN 'bad_metric'
    WHEN value_text IS NULL THEN 'no_value'
    -- TRY_CAST alone takes what Java takes: NaN, Infinity, 21d, 0x1p3
    WHEN number IS NULL OR NOT ABS(number) <= 1.7976931348623157E308 OR REGEXP(value_text, '[^0-9eE+\-. ]') THEN 'bad_value'
    WHEN ts_text IS NOT NULL AND TRY_CAST(ts_text AS BIGINT) IS NULL THEN 'bad_ts'
    -- the year 2100 only keeps the next line inside what a timestamp holds
    WHEN event_time NOT BETWEEN ${min_event_time_ms} AND ${max_event_time_ms}
      OR TO_TIMESTAMP_LTZ(event_time, 3) > append_time + INTERVAL '${max_clock_skew_minutes}' MINUTE THEN 'ts_out_of_range'
    WHEN seq_text IS NOT NULL AND sequence IS NULL THEN 'bad_seq'
    WHEN unit <> COALESCE(metric_unit, '') AND conversion IS NULL THEN 'unknown_unit'
    WHEN metric_unit <> canonical_unit THEN 'wrong_unit'
    WHEN NOT ABS(`value`) <= 1.7976931348623157E308 THEN 'bad_value'
  END
]) AS j (reason);

-- Which time this identity comes, and which value it had first. Insert-only, and it forgets after
-- table.exec.state.ttl: a copy later than that is a reading again, and overwrites itself in the stores.
CREATE TEMPORARY VIEW numbered AS
SELECT
  *,
  COUNT(*) OVER w AS occurrence,
  FIRST_VALUE(`value`) OVER w AS first_value_seen
FROM judged
WHERE reason IS NULL
WINDOW w AS (
  PARTITION BY device, metric, event_time ORDER BY proc ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
);

CREATE TEMPORARY VIEW refused AS
SELECT device, payload, headers, `partition`, `offset`, append_time, item, items, item_text, has_values, metric, ts_text, seq_text, value_text,
  reason,
  CASE reason
    WHEN 'bad_value' THEN 'value: ' || value_text
    WHEN 'bad_ts' THEN 'ts: ' || ts_text
    WHEN 'ts_out_of_range' THEN 'ts: ' || CAST(event_time AS STRING)
    WHEN 'bad_seq' THEN 'seq: ' || seq_text
    WHEN 'unknown_unit' THEN 'unit: ' || unit
    WHEN 'wrong_unit' THEN 'unit: ' || unit || ', but ' || metric || ' is in ' || metric_unit
    WHEN 'bad_metric' THEN 'metric: ' || metric
    WHEN 'nested_values' THEN 'metric: ' || metric
    WHEN 'no_value' THEN 'metric: ' || metric
  END AS detail
FROM judged
WHERE reason IS NOT NULL
UNION ALL
SELECT device, payload, headers, `partition`, `offset`, append_time, item, items, item_text, has_values, metric, ts_text, seq_text, value_text,
  'conflicting_duplicate',
  metric || ' was ' || CAST(first_value_seen AS STRING) || ', then ' || CAST(`value` AS STRING)
FROM numbered
WHERE occurrence > 1 AND `value` <> first_value_seen;

INSERT INTO telemetry_readings
SELECT 1, device, metric, event_time, `value`, canonical_unit, sequence, ROW('telemetry.raw', `partition`, `offset`, item, items)
FROM numbered WHERE occurrence = 1;

INSERT INTO telemetry_duplicates
SELECT 1, device, metric, event_time, `value`, canonical_unit, sequence, ROW('telemetry.raw', `partition`, `offset`, item, items),
  occurrence
FROM numbered WHERE occurrence > 1 AND `value` = first_value_seen;

-- One bad item of many is kept alone, as a message that can be replayed: a letter with the whole
-- message for each of its items would make gigabytes of one payload.
INSERT INTO dead_letters
SELECT
  1, reason, LEFT(detail, 300), 'clean_telemetry', device, original, CAST(CHAR_LENGTH(DECODE(original, 'ISO-8859-1')) AS BIGINT), CAST(NULL AS STRING), TRUE, headers,
  ROW('telemetry.raw', `partition`, `offset`, item, items),
  1000 * EXTRACT(EPOCH FROM append_time) + EXTRACT(MILLISECOND FROM append_time),
  COALESCE(TRY_CAST(CAST(headers['replays'] AS STRING) AS INT), 0)
FROM (
  SELECT *,
    CASE
      WHEN items = 1 THEN payload
      WHEN has_values THEN ENCODE(
        '{' || COALESCE('"ts":' || JSON_STRING(ts_text) || ',', '') || COALESCE('"seq":' || JSON_STRING(seq_text) || ',', '') ||
        '"values":{' || JSON_STRING(metric) || ':' ||
        COALESCE(item_text, JSON_STRING(value_text), 'null') || '}}', 'UTF-8')
      WHEN item_text IS JSON THEN ENCODE(item_text, 'UTF-8')
      ELSE ENCODE(COALESCE(JSON_STRING(item_text), 'null'), 'UTF-8')
    END AS original
  FROM refused
);

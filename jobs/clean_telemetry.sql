-- clean_telemetry: from payloads as devices sent them to readings that every other job can trust.
--
--   telemetry_raw -> texts -+-> plain_fields ----------------------------+-> fields -> typed -> converted -> judged
--                           +-> messages -> items -> item_fields -> found -+
--   judged -+-> numbered -+-> telemetry_readings
--           |             +-> telemetry_duplicates
--           |             +-> conflicts -+
--           +-> refused ----------------+-> dead_letters
--
-- Every item of every message leaves exactly once: items = readings + duplicates + dead letters.
-- Reasons are those of schemas/reject_reasons.py; ${...} are constants made from schemas/units.py.
--
-- CROSS JOIN UNNEST(ARRAY[ROW(...)]) makes no second row. It is a fence: without it the planner writes
-- the expression of a column in full wherever the column is used, and a payload is parsed forty times.

-- append_time is the broker's clock, the only one that all devices share.
-- Most messages are one plain reading: an object of at most 40 names, numbers and ASCII words, nothing escaped,
-- nothing nested. A regular expression proves that it is that and complete; any doubt goes the long way.
CREATE TEMPORARY VIEW texts AS
SELECT
  *,
  REGEXP(body, '\A\{(?:"(?!values"| )[\w./% -]{1,200}+": ?+(?:-?+(?:0|[1-9]\d{0,14}+)(?:\.\d{1,17}+)?+|"(?!null"| )[\w./% -]{1,200}+"|null|true|false)(?:, ?+(?=")|\}\z)){1,40}+\z') AS is_plain
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
CREATE TEMPORARY VIEW messages AS
SELECT shaped.*, text_reason
FROM (
  SELECT
    device, payload, headers, `partition`, `offset`, append_time, proc, body,
    CASE LEFT(LTRIM(body), 1) WHEN '{' THEN 'object' WHEN '[' THEN 'array' ELSE 'other' END AS shape,
    -- a substring test first: a JSON path costs a parse
    CASE WHEN POSITION('"values"' IN body) > 0 THEN JSON_QUERY(body, '$.values') END AS metrics,
    POSITION('"values"' IN body) > 0 AND JSON_EXISTS(body, '$.values') AS has_values
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
      CASE WHEN REGEXP(body, '[:,\[]\s*-?(NaN|Infinity)\s*[,\]}]') AND
             ('[' || REGEXP_REPLACE(body, '(?<=[:,\[\s])-?(NaN|Infinity)(?=\s*[,\]}])', 'null') || ']') IS JSON ARRAY
           THEN 'bad_value' ELSE 'not_json' END
    WHEN shape = 'other' THEN 'not_a_reading'
    WHEN shape = 'array' AND CHAR_LENGTH(body) > 20000
      AND CARDINALITY(JSON_QUERY(body, '$' RETURNING ARRAY<STRING>)) > 10000 THEN 'too_many_items'
    WHEN shape = 'object' AND has_values THEN
      CASE
        WHEN metrics IS NULL OR metrics = '{}' OR LEFT(metrics, 1) <> '{' THEN 'no_values'
        -- without its strings, a flat `values` has no bracket but its own two
        WHEN REGEXP(SUBSTRING(REGEXP_REPLACE(metrics, '"(?:[^"\\]|\\.)*"', ''), 2), '[\[{]') THEN 'nested_values'
        WHEN CHAR_LENGTH(metrics) > 50000
          AND CARDINALITY(REGEXP_EXTRACT_ALL(metrics, '"((?:[^"\\]|\\.)*)"\s*:', 1)) > 10000 THEN 'too_many_items'
        -- JSON_QUERY finds objects and arrays only
        WHEN POSITION('"ts"' IN body) > 0 AND JSON_QUERY(body, '$.ts') IS NOT NULL THEN 'bad_ts'
        WHEN POSITION('"seq"' IN body) > 0 AND JSON_QUERY(body, '$.seq') IS NOT NULL THEN 'bad_seq'
      END
  END
]) AS m (text_reason);

-- One row an item: the elements of an array, the keys of `values`, else the message itself.
-- A message that is refused whole is one item, and so is an array without elements.
CREATE TEMPORARY VIEW items AS
SELECT
  device,
  -- not with each of many items: 5,000 times 256 KiB
  CASE WHEN COALESCE(CARDINALITY(item_texts), 1) < 2 THEN payload END AS payload,
  headers, `partition`, `offset`, append_time, proc, body, metrics, shape, has_values, text_reason,
  item_text,
  CAST(COALESCE(nth, 1) - 1 AS INT) AS item,
  CASE WHEN nth IS NULL THEN 1 ELSE CARDINALITY(item_texts) END AS items
FROM (
  SELECT
    *,
    -- an array gives its strings without their quotes: the normal text tells `"{}"` from `{}`
    CASE WHEN text_reason IS NULL AND shape = 'array' AND POSITION('"{' IN body) > 0 THEN JSON_QUERY(body, '$') END
      AS with_braces_in_strings,
    CASE
      WHEN text_reason IS NOT NULL THEN ARRAY[body]
      WHEN shape = 'array' THEN JSON_QUERY(body, '$' RETURNING ARRAY<STRING>)
      WHEN has_values THEN REGEXP_EXTRACT_ALL(metrics, '"((?:[^"\\]|\\.)*)"\s*:', 1)
      ELSE ARRAY[body]
    END AS item_texts
  FROM messages
)
LEFT JOIN UNNEST(item_texts) WITH ORDINALITY AS e (element_text, nth) ON TRUE
CROSS JOIN UNNEST(ARRAY[
  CASE WHEN with_braces_in_strings IS NOT NULL AND LEFT(element_text, 1) = '{'
      AND (POSITION(element_text IN with_braces_in_strings) = 0 OR element_text IS NOT JSON OBJECT)
    THEN JSON_QUOTE(element_text)
    ELSE element_text END
]) AS q (item_text);

-- The item's fields as text, each read once.
CREATE TEMPORARY VIEW item_fields AS
SELECT
  device, payload, headers, `partition`, `offset`, append_time, proc, item, items, item_text, has_values,
  COALESCE(text_reason, CASE
    WHEN shape = 'array' AND items = 1 AND item_text IS NULL AND REGEXP(body, '^\s*\[\s*\]\s*$') THEN 'empty_array'
    WHEN shape = 'array' AND (item_text IS NULL OR LEFT(item_text, 1) <> '{') THEN 'not_a_reading'
    WHEN has_values THEN CAST(NULL AS STRING)
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
       WHEN has_values THEN REPLACE(item_text, '\"', '"')
       ELSE JSON_VALUE(item_text, '$.metric') END,
  CASE WHEN text_reason IS NOT NULL THEN CAST(NULL AS STRING)
       WHEN has_values THEN JSON_VALUE(metrics, '$["' || item_text || '"]')
       ELSE JSON_VALUE(item_text, '$.value') END,
  CASE WHEN text_reason IS NULL THEN JSON_VALUE(CASE WHEN has_values THEN body ELSE item_text END, '$.ts') END,
  -- a substring test first: most payloads have neither, and a JSON path costs a parse
  CASE WHEN text_reason IS NULL AND POSITION('"seq"' IN body) > 0
       THEN JSON_VALUE(CASE WHEN has_values THEN body ELSE item_text END, '$.seq') END,
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
    WHEN CHAR_LENGTH(device) > 200 OR REGEXP(device, '[\x00-\x1f\x7f\\]') THEN 'bad_device'
    WHEN metric IS NULL OR metric = '' THEN 'no_metric'
    -- in a key of `values` a backslash is that of an escape: of a control character, or of a backslash
    WHEN CHAR_LENGTH(metric) > 200 OR REGEXP(metric, '[\x00-\x1f\x7f\\]') THEN 'bad_metric'
    WHEN value_text IS NULL THEN 'no_value'
    -- TRY_CAST alone takes what Java takes: NaN, Infinity, 21d, 0x1p3
    WHEN number IS NULL OR NOT ABS(number) <= 1.7976931348623157E308 OR REGEXP(value_text, '[^0-9eE+\-. ]') THEN 'bad_value'
    WHEN ts_text IS NOT NULL AND TRY_CAST(ts_text AS BIGINT) IS NULL THEN 'bad_ts'
    -- from 2010; the year 2100 only keeps the next line inside what a timestamp holds
    WHEN event_time NOT BETWEEN 1262304000000 AND 4102444800000
      OR TO_TIMESTAMP_LTZ(event_time, 3) > append_time + INTERVAL '5' MINUTE THEN 'ts_out_of_range'
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
SELECT device, payload, headers, `partition`, `offset`, append_time, item, items, item_text, has_values, ts_text, seq_text, value_text,
  reason,
  CASE reason
    WHEN 'bad_value' THEN 'value: ' || value_text
    WHEN 'bad_ts' THEN 'ts: ' || ts_text
    WHEN 'ts_out_of_range' THEN 'ts: ' || CAST(event_time AS STRING)
    WHEN 'bad_seq' THEN 'seq: ' || seq_text
    WHEN 'unknown_unit' THEN 'unit: ' || unit
    WHEN 'wrong_unit' THEN 'unit: ' || unit || ', but ' || metric || ' is in ' || metric_unit
    WHEN 'bad_metric' THEN 'metric: ' || metric
    WHEN 'no_value' THEN 'metric: ' || metric
  END AS detail
FROM judged
WHERE reason IS NOT NULL
UNION ALL
SELECT device, payload, headers, `partition`, `offset`, append_time, item, items, item_text, has_values, ts_text, seq_text, value_text,
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
        '{' || COALESCE('"ts":' || JSON_QUOTE(ts_text) || ',', '') || COALESCE('"seq":' || JSON_QUOTE(seq_text) || ',', '') ||
        '"values":{"' || item_text || '":' ||
        COALESCE(JSON_QUOTE(value_text), 'null') || '}}', 'UTF-8')
      WHEN item_text IS JSON THEN ENCODE(item_text, 'UTF-8')
      ELSE ENCODE(COALESCE(JSON_QUOTE(item_text), 'null'), 'UTF-8')
    END AS original
  FROM refused
);

-- store_influxdb: readings, windows and scores as points; one line of line protocol a row.
--
--   telemetry_readings --+
--   telemetry_windows ---+-> points -> lines -> written -+-> stored_in_influxdb (a count)
--   telemetry_anomalies -+                               +-> dead_letters
--
-- A point's tags and time are its identity, and its time is the event's: a replay overwrites.

CREATE TEMPORARY VIEW points AS
SELECT
  device, metric, event_time AS point_time, 'telemetry.readings' AS topic, `partition`, `offset`,
  'reading' AS measurement, '' AS more_tags, 'value=' || CAST(`value` AS STRING) AS point_fields,
  JSON_OBJECT('schema_version' VALUE schema_version, 'device' VALUE device, 'metric' VALUE metric, 'event_time' VALUE event_time,
    'value' VALUE `value`, 'unit' VALUE unit, 'sequence' VALUE sequence, 'position' VALUE `position`) AS record
FROM telemetry_readings
UNION ALL
SELECT
  device, metric, window_start, 'telemetry.windows', `partition`, `offset`,
  'reading_window', ',window=' || `window`,
  'count=' || CAST(`count` AS STRING) || 'i,mean=' || CAST(mean AS STRING) || ',min=' || CAST(`min` AS STRING) ||
    ',max=' || CAST(`max` AS STRING) || ',stddev=' || CAST(stddev AS STRING) || ',last=' || CAST(`last` AS STRING),
  JSON_OBJECT('schema_version' VALUE schema_version, 'device' VALUE device, 'metric' VALUE metric, 'window' VALUE `window`,
    'window_start' VALUE window_start, 'count' VALUE `count`, 'mean' VALUE mean, 'min' VALUE `min`, 'max' VALUE `max`,
    'stddev' VALUE stddev, 'last' VALUE `last`, 'corrected' VALUE corrected)
FROM telemetry_windows
UNION ALL
SELECT
  device, metric, event_time, 'telemetry.anomalies', `partition`, `offset`,
  'anomaly', ',detector=' || detector,
  'score=' || CAST(score AS STRING) || ',value=' || CAST(`value` AS STRING) || ',threshold=' || CAST(threshold AS STRING) ||
    ',is_anomaly=' || LOWER(CAST(is_anomaly AS STRING)),
  JSON_OBJECT('schema_version' VALUE schema_version, 'device' VALUE device, 'metric' VALUE metric, 'event_time' VALUE event_time,
    'value' VALUE `value`, 'score' VALUE score, 'threshold' VALUE threshold, 'is_anomaly' VALUE is_anomaly, 'episode' VALUE episode,
    'detector' VALUE detector, 'detector_version' VALUE detector_version, 'position' VALUE `position`)
FROM telemetry_anomalies;

-- Tag values escape comma, equals sign and space; the cleaning lets no backslash and no line break into a name.
-- The fence (jobs/clean_telemetry.sql says what it is) keeps the call below behind the union: one Python stage, not three.
CREATE TEMPORARY VIEW lines AS
SELECT points.*, line
FROM points CROSS JOIN UNNEST(ARRAY[
  measurement || ',device=' || REPLACE(REPLACE(REPLACE(device, ',', '\,'), '=', '\='), ' ', '\ ') ||
    ',metric=' || REPLACE(REPLACE(REPLACE(metric, ',', '\,'), '=', '\='), ' ', '\ ') || more_tags ||
    ' ' || point_fields || ' ' || CAST(point_time AS STRING)
]) AS l (line);

-- One call a row, one request a batch, never across a checkpoint: when a checkpoint is complete, its rows are stored.
CREATE TEMPORARY VIEW written AS
SELECT *, write_to_influxdb(line) AS refusal FROM lines;

INSERT INTO stored_in_influxdb
SELECT `offset` FROM written WHERE refusal IS NULL;

INSERT INTO dead_letters
SELECT
  1, 'refused_by_influxdb', refusal, 'store_influxdb', device, ENCODE(record, 'UTF-8'),
  CAST(CHAR_LENGTH(DECODE(ENCODE(record, 'UTF-8'), 'ISO-8859-1')) AS BIGINT), CAST(NULL AS STRING), TRUE,
  CAST(NULL AS MAP<STRING, BYTES>), ROW(topic, `partition`, `offset`, 0, 1), 1000 * UNIX_TIMESTAMP(), 0
FROM written WHERE refusal IS NOT NULL;

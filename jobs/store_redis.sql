-- store_redis: the newest reading and the newest score of every metric, and the latest alerts of every device.
--
--   telemetry_readings --+-> halves -> written -+-> stored_in_redis (a count)
--   telemetry_anomalies -+                      +-> dead_letters
--
-- Each half moves only forward by its own time (connectors/redis.py), so a replay changes nothing.

CREATE TEMPORARY VIEW halves AS
SELECT
  device, metric, event_time, 'telemetry.readings' AS topic, `partition`, `offset`, 'reading' AS half,
  '"value":' || CAST(`value` AS STRING) || ',"ts":' || CAST(event_time AS STRING) AS body,
  CAST(NULL AS STRING) AS alert,
  JSON_OBJECT('schema_version' VALUE schema_version, 'device' VALUE device, 'metric' VALUE metric, 'event_time' VALUE event_time,
    'value' VALUE `value`, 'unit' VALUE unit, 'sequence' VALUE sequence, 'position' VALUE `position`) AS record
FROM telemetry_readings
UNION ALL
SELECT
  device, metric, event_time, 'telemetry.anomalies', `partition`, `offset`, 'score',
  '"score":' || CAST(score AS STRING) || ',"score_ts":' || CAST(event_time AS STRING) ||
    ',"is_anomaly":' || LOWER(CAST(is_anomaly AS STRING)),
  -- the first flagged reading of an episode is the alert, the others of the episode are not
  CASE WHEN is_anomaly AND episode = event_time THEN
    JSON_OBJECT('metric' VALUE metric, 'ts' VALUE event_time, 'value' VALUE `value`, 'score' VALUE score, 'detector' VALUE detector)
  END,
  JSON_OBJECT('schema_version' VALUE schema_version, 'device' VALUE device, 'metric' VALUE metric, 'event_time' VALUE event_time,
    'value' VALUE `value`, 'score' VALUE score, 'threshold' VALUE threshold, 'is_anomaly' VALUE is_anomaly, 'episode' VALUE episode,
    'detector' VALUE detector, 'detector_version' VALUE detector_version, 'position' VALUE `position`)
FROM telemetry_anomalies;

-- The fence (jobs/clean_telemetry.sql says what it is) keeps the call behind the union: one Python stage, not two.
CREATE TEMPORARY VIEW written AS
SELECT *, write_to_redis(device, metric, half, event_time, fenced, alert) AS refusal
FROM halves CROSS JOIN UNNEST(ARRAY[body]) AS f (fenced);

INSERT INTO stored_in_redis
SELECT `offset` FROM written WHERE refusal IS NULL;

INSERT INTO dead_letters
SELECT
  1, 'refused_by_redis', refusal, 'store_redis', device, ENCODE(record, 'UTF-8'),
  CAST(CHAR_LENGTH(DECODE(ENCODE(record, 'UTF-8'), 'ISO-8859-1')) AS BIGINT), CAST(NULL AS STRING), TRUE,
  CAST(NULL AS MAP<STRING, BYTES>), ROW(topic, `partition`, `offset`, 0, 1), 1000 * UNIX_TIMESTAMP(), 0
FROM written WHERE refusal IS NOT NULL;

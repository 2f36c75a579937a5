-- store_influxdb: readings, windows, scores, churn risks and feedback on lists as points.
--
--   telemetry.readings, telemetry.anomalies, churn.scores -> records -+-> written -+-> stored_in_influxdb (a count)
--   telemetry.windows, recommendations.feedback -> committed_records --+            +-> dead_letters
--
-- What a record becomes stands in connectors/influxdb/points.py. A point that is written again overwrites itself.

-- The fence (jobs/clean_telemetry.sql says what it is) keeps the call below behind the union: one Python stage, not two.
CREATE TEMPORARY VIEW all_records AS
SELECT device, topic, `partition`, `offset`, fenced AS record
FROM (SELECT * FROM records UNION ALL SELECT * FROM committed_records) CROSS JOIN UNNEST(ARRAY[record]) AS f (fenced);

-- One call a record, one request a batch, never across a checkpoint: when a checkpoint is complete, its records are stored.
CREATE TEMPORARY VIEW written AS
SELECT *, write_to_influxdb(topic, `partition`, `offset`, record) AS refusal FROM all_records;

INSERT INTO stored_in_influxdb
SELECT `offset` FROM written WHERE refusal IS NULL;

INSERT INTO dead_letters
SELECT
  1, SPLIT_INDEX(refusal, ' ', 0), SUBSTRING(refusal FROM POSITION(' ' IN refusal) + 1), 'store_influxdb', device, record,
  CAST(CHAR_LENGTH(DECODE(record, 'ISO-8859-1')) AS BIGINT), CAST(NULL AS STRING), TRUE,
  CAST(NULL AS MAP<STRING, BYTES>), ROW(topic, `partition`, `offset`, 0, 1), 1000 * UNIX_TIMESTAMP(), 0
FROM written WHERE refusal IS NOT NULL;

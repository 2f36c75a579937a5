-- store_redis: the newest reading and the newest score of every metric, the latest alerts of every device
-- with the verdicts on them, and the churn risk of every customer.
--
--   telemetry.readings, telemetry.anomalies, telemetry.verdicts, churn.scores -> records
--     -> written -+-> stored_in_redis (a count)
--                 +-> dead_letters
--
-- What a record becomes stands in connectors/redis/updates.py. Each half of a metric moves only forward by its own time
-- (connectors/redis/device_state.py), so a replay changes nothing.

CREATE TEMPORARY VIEW written AS
SELECT *, write_to_redis(topic, `partition`, `offset`, record) AS refusal FROM records;

INSERT INTO stored_in_redis
SELECT `offset` FROM written WHERE refusal IS NULL;

INSERT INTO dead_letters
SELECT
  1, SPLIT_INDEX(refusal, ' ', 0), SUBSTRING(refusal FROM POSITION(' ' IN refusal) + 1), 'store_redis', device, record,
  CAST(CHAR_LENGTH(DECODE(record, 'ISO-8859-1')) AS BIGINT), CAST(NULL AS STRING), TRUE,
  CAST(NULL AS MAP<STRING, BYTES>), ROW(topic, `partition`, `offset`, 0, 1), 1000 * UNIX_TIMESTAMP(), 0
FROM written WHERE refusal IS NOT NULL;

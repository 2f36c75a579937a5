-- score_anomalies: every reading gets a score before its detector learns it.
--
--   telemetry_readings -> bucketed -> micro_batches -> [ScoreFleet, Python, keyed by bucket] -> scored -> telemetry_anomalies
--
-- A micro-batch is cut by processing time. Where it is cut changes no score (tests/unit/models), so
-- the clock need not be replayable, and no reading can be late for it.

CREATE TEMPORARY VIEW bucketed AS
SELECT
  -- HASH_CODE may be negative
  MOD(MOD(HASH_CODE(device || '/' || metric), ${buckets}) + ${buckets}, ${buckets}) AS bucket,
  device, metric, event_time, `value`, `position`, proc
FROM telemetry_readings
WHERE device IS NOT NULL AND metric IS NOT NULL AND event_time IS NOT NULL AND `value` IS NOT NULL;

CREATE TEMPORARY VIEW micro_batches AS
SELECT
  bucket,
  ROW(
    ARRAY_AGG(device), ARRAY_AGG(metric), ARRAY_AGG(event_time), ARRAY_AGG(`value`),
    ARRAY_AGG(`position`.`partition`), ARRAY_AGG(`position`.`offset`), ARRAY_AGG(`position`.item), ARRAY_AGG(`position`.items)
  ) AS readings
FROM TABLE(TUMBLE(TABLE bucketed, DESCRIPTOR(proc), ${micro_batch}))
GROUP BY bucket, window_start, window_end;

CREATE TEMPORARY VIEW scored AS OPERATOR score_fleet;

-- A record and its key stand in one text (jobs/operators/score_records.py).
INSERT INTO telemetry_anomalies
SELECT SPLIT_INDEX(score, U&'\001F', 1), SPLIT_INDEX(score, U&'\001F', 0)
FROM scored CROSS JOIN UNNEST(records) AS s (score);

-- score_anomalies: every reading gets a score before its detector learns it.
--
--   telemetry.readings -> readings -> micro_batches -> [ScoreFleet, Python, keyed by bucket] -> scored -> telemetry_anomalies
--
-- A micro-batch is cut by processing time. Where it is cut changes no score (tests/unit/models), so
-- the clock need not be replayable, and no reading can be late for it.

CREATE TEMPORARY VIEW bucketed AS
SELECT
  -- HASH_CODE may be negative
  MOD(MOD(HASH_CODE(device), ${buckets}) + ${buckets}, ${buckets}) AS bucket,
  record, proc
FROM readings
WHERE device IS NOT NULL AND record IS NOT NULL;

CREATE TEMPORARY VIEW micro_batches AS
SELECT bucket, ROW(ARRAY_AGG(record)) AS records
FROM TABLE(TUMBLE(TABLE bucketed, DESCRIPTOR(proc), ${micro_batch}))
GROUP BY bucket, window_start, window_end;

CREATE TEMPORARY VIEW scored AS OPERATOR score_fleet;

INSERT INTO telemetry_anomalies
SELECT s.key, s.record
FROM scored CROSS JOIN UNNEST(records) AS s (key, record);

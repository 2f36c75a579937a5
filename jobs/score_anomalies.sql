-- score_anomalies: every reading gets a score before its detector learns it.
--
--   readings -> bucketed -> [gather, Java] -> gathered -> [ScoreFleet, Python, keyed by bucket] -> scored
--     -> [scatter, Java] -> scattered -> telemetry_anomalies
--
-- A micro-batch is cut by processing time, and by every checkpoint. Where it is cut changes no score
-- (tests/unit/models), so the clock need not be replayable, and no reading can be late for it.

CREATE TEMPORARY VIEW bucketed AS
SELECT
  -- HASH_CODE may be negative
  MOD(MOD(HASH_CODE(device), ${buckets}) + ${buckets}, ${buckets}) AS bucket,
  record
FROM readings
WHERE device IS NOT NULL AND record IS NOT NULL;

-- In the task of the source: what goes over the network is one row a batch. (A window of SQL would keep each record in
-- RocksDB meanwhile, and lose what is open when its input ends.)
CREATE TEMPORARY VIEW gathered AS OPERATOR gather;

CREATE TEMPORARY VIEW scored AS OPERATOR score_fleet;

CREATE TEMPORARY VIEW scattered AS OPERATOR scatter;

INSERT INTO telemetry_anomalies SELECT key, record FROM scattered;

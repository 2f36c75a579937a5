-- score_anomalies: every reading gets a score before its detector learns it; operators' verdicts raise thresholds.
--
--   inputs -> bucketed -> [gather, Java] -> gathered -> [ScoreFleet, Python, keyed by bucket] -> answers
--   answers -+-> scored --> [scatter, Java] -> scores --> telemetry_anomalies
--            +-> refused -> [scatter, Java] -> dead_letter_records -> dead_letters
--
-- A micro-batch is cut by processing time, and by every checkpoint. Where it is cut changes no score
-- (tests/unit/models), so the clock need not be replayable, and no reading can be late for it. Each bucket has a
-- micro-batch without readings every 10 s, so that a series that sends nothing is found missing.

CREATE TEMPORARY VIEW bucketed AS
SELECT
  -- HASH_CODE may be negative
  MOD(MOD(HASH_CODE(device), ${buckets}) + ${buckets}, ${buckets}) AS bucket,
  device, `partition`, `offset`, record, topic = 'telemetry.verdicts' AS is_verdict
FROM inputs
WHERE device IS NOT NULL AND record IS NOT NULL;

-- In the task of the source: what goes over the network is one row a batch. (A window of SQL would keep each record in
-- RocksDB meanwhile, and lose what is open when its input ends.)
CREATE TEMPORARY VIEW gathered AS OPERATOR gather;

CREATE TEMPORARY VIEW answers AS OPERATOR score_fleet;

CREATE TEMPORARY VIEW scored AS
SELECT frame FROM answers WHERE NOT are_dead_letters;

-- Readings that failed the scorer three times. Not replayable: every other job has had them.
CREATE TEMPORARY VIEW refused AS
SELECT frame FROM answers WHERE are_dead_letters;

CREATE TEMPORARY VIEW scores AS OPERATOR scatter_scores;

CREATE TEMPORARY VIEW dead_letter_records AS OPERATOR scatter_dead_letters;

INSERT INTO telemetry_anomalies SELECT key, record FROM scores;

INSERT INTO dead_letters SELECT key, record FROM dead_letter_records;

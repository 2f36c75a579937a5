-- window_telemetry: tumbling windows of event time over clean readings, and what came too late for them.
--
--   telemetry_readings -+-> arrivals -> remembered -> judged -+-> telemetry_windows (10s, 1m)
--   clock_ticks --------+                                     +-> telemetry_late
--
-- Every reading is in one window of each length, or late: readings = windowed + late.

-- The ticks carry no reading. They carry time: when every partition has been quiet for its idle
-- timeout, they alone move the watermark, and the windows of a fleet that went silent close.
CREATE TEMPORARY VIEW arrivals AS
SELECT device, metric, event_time, `value`, unit, sequence, `position`, et FROM telemetry_readings
UNION ALL
SELECT CAST(NULL AS STRING), CAST(NULL AS STRING), CAST(NULL AS BIGINT), CAST(NULL AS DOUBLE), CAST(NULL AS STRING),
  CAST(NULL AS BIGINT), CAST(NULL AS ROW<`topic` STRING, `partition` INT, `offset` BIGINT, `item` INT, `items` INT>), et
FROM clock_ticks;

-- The watermark of before a restart stands in front of the first row after it (flink/watermark.py):
-- the windows go on with it, so what is late for them has to be late here.
CREATE TEMPORARY VIEW remembered AS OPERATOR remember_watermark;

-- Judged by the watermark that the windows see.
CREATE TEMPORARY VIEW judged AS
SELECT *, COALESCE(et <= CURRENT_WATERMARK(et), FALSE) AS is_late, CURRENT_WATERMARK(et) AS seen_watermark FROM remembered;

CREATE TEMPORARY VIEW on_time AS
SELECT * FROM judged WHERE NOT is_late AND metric IS NOT NULL AND `value` IS NOT NULL;

CREATE TEMPORARY VIEW windows AS
SELECT device, metric, '10s' AS `window`, window_start,
  COUNT(*) AS readings, AVG(`value`) AS mean, MIN(`value`) AS smallest, MAX(`value`) AS largest, VAR_POP(`value`) AS variance,
  -- the value with the greatest event time; 13 digits until the year 2286 make text order time order
  MAX(CAST(event_time AS STRING) || CAST(`value` AS STRING)) AS newest
FROM TABLE(TUMBLE(TABLE on_time, DESCRIPTOR(et), INTERVAL '10' SECOND))
WHERE device IS NOT NULL
GROUP BY device, metric, window_start, window_end
UNION ALL
SELECT device, metric, '1m' AS `window`, window_start,
  COUNT(*), AVG(`value`), MIN(`value`), MAX(`value`), VAR_POP(`value`),
  MAX(CAST(event_time AS STRING) || CAST(`value` AS STRING))
FROM TABLE(TUMBLE(TABLE on_time, DESCRIPTOR(et), INTERVAL '1' MINUTE))
WHERE device IS NOT NULL
GROUP BY device, metric, window_start, window_end;

INSERT INTO telemetry_windows
SELECT 2, device, metric, `window`, 1000 * UNIX_TIMESTAMP(CAST(window_start AS STRING)), readings, mean, smallest, largest,
  -- rounding can leave a variance just below zero
  CASE WHEN variance > 0 THEN SQRT(variance) ELSE 0 END,
  CAST(SUBSTRING(newest, 14) AS DOUBLE),
  -- `headrace windows correct` writes the corrected ones
  FALSE
FROM windows;

INSERT INTO telemetry_late
SELECT 1, device, metric, event_time, `value`, unit, sequence, `position`,
  1000 * EXTRACT(EPOCH FROM seen_watermark) + EXTRACT(MILLISECOND FROM seen_watermark) - event_time
FROM judged WHERE is_late AND device IS NOT NULL AND metric IS NOT NULL AND event_time IS NOT NULL AND `value` IS NOT NULL;

-- window_usage: the usage features of each customer, as of each whole hour.
--
--   usage_hours -+-> arrivals -> windows -> known -> customers_usage
--   clock_ticks -+
--
-- A window is one hour longer than the longest feature. So a customer's last window has nothing in it that counts, and
-- says that all features are 0 again.

-- The ticks carry time: without them a fleet that went silent would keep the features of its last hour.
CREATE TEMPORARY VIEW arrivals AS
SELECT customer, source, hour_start, events, ${appended} AS appended, et FROM usage_hours
UNION ALL
SELECT CAST(NULL AS STRING), CAST(tick AS STRING), CAST(NULL AS BIGINT), CAST(NULL AS BIGINT), CAST(NULL AS BIGINT), et
FROM clock_ticks;

CREATE TEMPORARY VIEW windows AS
SELECT
  customer, source, hour_start, events, appended, window_start, window_end,
  1000 * EXTRACT(EPOCH FROM window_end) AS as_of
FROM TABLE(HOP(TABLE arrivals, DESCRIPTOR(et), INTERVAL '1' HOUR, INTERVAL '${window_h}' HOUR(3)));

-- Said once more for each record, since a record that came too late may be read before its window closes.
CREATE TEMPORARY VIEW known AS
SELECT * FROM windows
WHERE source IN (${sources}) AND customer IS NOT NULL AND ${known};

INSERT INTO customers_usage
SELECT 1, customer, as_of, MAP[${features}]
FROM known
GROUP BY customer, as_of, window_start, window_end;

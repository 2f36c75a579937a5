-- count_usage: readings and interactions of each customer, by the hour that they are of.
--
--   telemetry_readings -> readings ---------------> device_hours -+-> arrivals -> owned -+-> usage_hours
--   devices -> owners --------------------------------------------+                      |
--   interactions --------------------------------------> user_hours ---------------------+
--
-- A customer is called here what interactions call it: the pseudonym of its id (docs/how-to/privacy.md).
-- Counts are gathered by the clock and carry the hour of their events. Records of one hour add up, so it does not
-- matter where the clock cuts, nothing can be late for it, and each event is in exactly one record.

CREATE TEMPORARY VIEW readings AS
SELECT device, event_time - MOD(event_time, ${hour_ms}) AS hour_start, proc
FROM telemetry_readings
WHERE device IS NOT NULL AND event_time - ${appended} BETWEEN -${oldest_ms} AND ${soonest_ms};

CREATE TEMPORARY VIEW device_hours AS
SELECT device, hour_start, COUNT(*) AS events
FROM TABLE(TUMBLE(TABLE readings, DESCRIPTOR(proc), ${counted_every}))
GROUP BY device, hour_start, window_start, window_end;

-- '' is nobody.
CREATE TEMPORARY VIEW owners AS
SELECT
  device,
  COALESCE(
    PSEUDONYM(CASE WHEN `__deleted` = 'true' OR owner = '' THEN CAST(NULL AS STRING) ELSE owner END, ${pseudonym_key}), ''
  ) AS owner
FROM devices
WHERE device IS NOT NULL;

-- The first window begins when the job does, so a cold start has all of it to read whose the devices are.
CREATE TEMPORARY VIEW arrivals AS
SELECT device, owner, hour_start, events, PROCTIME() AS proc
FROM (
  SELECT device, owner, CAST(NULL AS BIGINT) AS hour_start, CAST(NULL AS BIGINT) AS events FROM owners
  UNION ALL
  SELECT device, CAST(NULL AS STRING), hour_start, events FROM device_hours
);

-- The newest owner: LAST_VALUE passes over NULL. What was counted stays with who owned the device then.
CREATE TEMPORARY VIEW owned AS
SELECT LAST_VALUE(owner) OVER (PARTITION BY device ORDER BY proc ROWS UNBOUNDED PRECEDING) AS owner, hour_start, events
FROM arrivals;

CREATE TEMPORARY VIEW actions AS
SELECT
  `user`, event_time - MOD(event_time, ${hour_ms}) AS hour_start, proc,
  -- an interaction that is sent twice is one; the length tells where its item ends
  CAST(event_time AS STRING) || ' ' || CAST(CHAR_LENGTH(COALESCE(item, '')) AS STRING) || ' ' || COALESCE(item, '') || action
    AS action_key
FROM interactions
WHERE `user` <> '' AND action IS NOT NULL AND event_time - ${appended} BETWEEN -${oldest_ms} AND ${soonest_ms};

CREATE TEMPORARY VIEW user_hours AS
SELECT `user`, hour_start, COUNT(DISTINCT action_key) AS events
FROM TABLE(TUMBLE(TABLE actions, DESCRIPTOR(proc), ${counted_every}))
GROUP BY `user`, hour_start, window_start, window_end;

INSERT INTO usage_hours
SELECT 1, customer, source, hour_start, events
FROM (
  SELECT owner AS customer, 'telemetry' AS source, hour_start, events FROM owned WHERE events IS NOT NULL AND owner <> ''
  UNION ALL
  SELECT `user`, 'interactions', hour_start, events FROM user_hours
);

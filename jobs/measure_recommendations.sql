-- measure_recommendations: what users do with the lists that they are shown, each minute.
--
--   exposures -> lists -+------------------> shown ------+
--                       +-> answers -----------> chosen -----+-> recommendations_feedback
--   interactions -------+
--
-- By the clock, and not by the events' time: an interval join in event time holds the watermark back by its whole length,
-- and an hour later is not live.

CREATE TEMPORARY VIEW lists AS
SELECT exposure_id, `user`, items, model_version, COALESCE(source, '') AS source, arm, proc
FROM exposures
WHERE exposure_id IS NOT NULL AND `user` IS NOT NULL AND items IS NOT NULL;

-- A click may be read before the list that it answers: the two are in different topics.
CREATE TEMPORARY VIEW answers AS
SELECT
  L.model_version, L.source, L.arm, I.action, ARRAY_POSITION(L.items, I.item) AS place, I.proc,
  -- an interaction, or a list, that is sent twice is one
  L.exposure_id || ' ' || CAST(I.event_time AS STRING) || ' ' || COALESCE(I.item, '') AS answer_key
FROM lists AS L
JOIN interactions AS I
  ON L.exposure_id = I.exposure_id AND L.`user` = I.`user`
  AND I.proc BETWEEN L.proc - INTERVAL '1' MINUTE AND L.proc + ${answered_within}
WHERE I.action IS NOT NULL AND I.action <> '${shown}' AND I.event_time IS NOT NULL;

CREATE TEMPORARY VIEW chosen AS
SELECT
  window_start, model_version, source, arm, action, COUNT(DISTINCT answer_key) AS events,
  AVG(CASE WHEN place > 0 THEN CAST(1 AS DOUBLE) / place ELSE CAST(0 AS DOUBLE) END) AS mean_reciprocal_rank
FROM TABLE(TUMBLE(TABLE answers, DESCRIPTOR(proc), ${measured_every}))
GROUP BY model_version, source, arm, action, window_start, window_end;

CREATE TEMPORARY VIEW shown AS
SELECT
  window_start, model_version, source, arm, '${shown}' AS action, COUNT(DISTINCT exposure_id) AS events,
  CAST(NULL AS DOUBLE) AS mean_reciprocal_rank
FROM TABLE(TUMBLE(TABLE lists, DESCRIPTOR(proc), ${measured_every}))
GROUP BY model_version, source, arm, window_start, window_end;

INSERT INTO recommendations_feedback
SELECT
  1, 1000 * EXTRACT(EPOCH FROM window_start), model_version, source, arm, action,
  events, mean_reciprocal_rank
FROM (SELECT * FROM shown UNION ALL SELECT * FROM chosen);

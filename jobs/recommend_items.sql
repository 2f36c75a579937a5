-- recommend_items: lists of items for each user, as interactions come.
--
--   interactions, items, users.forgotten -> records -> arrivals -> [gather, Java] -> gathered -> micro_batches
--     -> [RecommendLive, Python, keyed by shard] -> refused -> [scatter, Java] -> dead_letter_records -> dead_letters
--
-- The operator writes the lists to Redis itself, within the bundle that a checkpoint's barrier waits for: idempotent,
-- and never backwards (connectors/redis/recommendation_lists.py). What comes out of it are the records that it refused.

-- A batch has one bucket; jobs/operators/live_records.py reads the columns behind it.
CREATE TEMPORARY VIEW arrivals AS
SELECT 0 AS bucket, topic, `partition`, `offset`, ${appended} AS appended_ms, device, record FROM records;

CREATE TEMPORARY VIEW gathered AS OPERATOR gather;

-- To every shard: each learns all interactions, and makes the lists of its own users (docs/adr/0021). A cross join with
-- the shards' numbers would be a join with a table: it keeps all batches, and after a restart sends them once more.
CREATE TEMPORARY VIEW micro_batches AS
${to_every_shard};

CREATE TEMPORARY VIEW refused AS OPERATOR recommend;

CREATE TEMPORARY VIEW dead_letter_records AS OPERATOR scatter;

INSERT INTO dead_letters SELECT key, record FROM dead_letter_records;

-- recommend_items: lists of items for each user, as interactions come.
--
--   interactions, items, users.forgotten -> records -> framed -> [GatherMicroBatches, Java] -> gathered -> micro_batches
--     -> [RecommendLive, Python, keyed by shard] -> refused -> [ScatterRecords, Java] -> letters -> dead_letters
--
-- The operator writes the lists to Redis itself, within the bundle that a checkpoint's barrier waits for: idempotent,
-- and never backwards (connectors/redis_lists.py). What comes out of it are the records that it refused.

-- Each record as an element of a JSON array, with where it stands in front of it: topic, partition, offset, append time,
-- length, key. The record itself is not looked at: LATIN-1 is text in which a byte is a character.
CREATE TEMPORARY VIEW framed AS
SELECT
  0 AS bucket,
  ENCODE(
    DECODE(
      ENCODE(
        '["' || topic || '",' || CAST(`partition` AS STRING) || ',' || CAST(`offset` AS STRING) || ',' ||
        CAST(${appended} AS STRING) || ',' ||
        CAST(COALESCE(CHAR_LENGTH(DECODE(record, 'ISO-8859-1')), 0) AS STRING) || ',' ||
        COALESCE(JSON_STRING(device), 'null') || ',',
        'UTF-8'
      ),
      'ISO-8859-1'
    ) || COALESCE(DECODE(record, 'ISO-8859-1'), 'null') || ']',
    'ISO-8859-1'
  ) AS record
FROM records;

CREATE TEMPORARY VIEW gathered AS OPERATOR gather;

-- To every shard: each learns all interactions, and makes the lists of its own users (docs/adr/0021). A cross join with
-- the shards' numbers would be a join with a table: it keeps all batches, and after a restart sends them once more.
CREATE TEMPORARY VIEW micro_batches AS
SELECT shard, ROW(records, lengths) AS batch FROM (${to_every_shard});

CREATE TEMPORARY VIEW refused AS OPERATOR recommend;

CREATE TEMPORARY VIEW letters AS OPERATOR scatter;

INSERT INTO dead_letters SELECT key, record FROM letters;

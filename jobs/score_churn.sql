-- score_churn: the risk that a customer leaves, each time the customer's row changes or the features of its usage.
--
--   customers, customers.usage -> records -> halves -> latest -> scored -+-> churn_scores
--                                                                        +-> dead_letters
--
-- `outcome` is the score's JSON, or the reason why there is none; NULL where there is nothing to say
-- (models/churn/customer_scores.py). Dead letters are not replayable: an old state of a row would come behind the newer
-- ones. The row is read again instead (headrace churn rescore).

-- Each record is one half of what is scored. LAST_VALUE takes no bytes, but text, in which a byte is a character.
-- A record without a value only lets compaction remove a deleted key: the row came before it, marked as deleted.
CREATE TEMPORARY VIEW halves AS
SELECT
  device, record, topic, `partition`, `offset`, proc,
  CASE WHEN topic = 'customers' THEN DECODE(record, 'ISO-8859-1') END AS row_text,
  CASE WHEN topic = 'customers' THEN `partition` END AS row_partition,
  CASE WHEN topic = 'customers' THEN `offset` END AS row_offset,
  CASE WHEN topic = 'customers.usage' THEN DECODE(record, 'ISO-8859-1') END AS usage_text
FROM records
WHERE record IS NOT NULL;

-- The newest of both halves beside each record: LAST_VALUE passes over NULL. A join of two changing tables would take
-- back the pairs that it gave before, and no store downstream could.
CREATE TEMPORARY VIEW latest AS
SELECT
  device, record, topic, `partition`, `offset`,
  ENCODE(LAST_VALUE(row_text) OVER so_far, 'ISO-8859-1') AS row_bytes,
  -- pandas would make a fraction of a whole number that may be NULL
  COALESCE(LAST_VALUE(row_partition) OVER so_far, -1) AS row_partition,
  COALESCE(LAST_VALUE(row_offset) OVER so_far, -1) AS row_offset,
  ENCODE(LAST_VALUE(usage_text) OVER so_far, 'ISO-8859-1') AS usage_bytes
FROM halves
WINDOW so_far AS (PARTITION BY device ORDER BY proc ROWS UNBOUNDED PRECEDING);

CREATE TEMPORARY VIEW scored AS
SELECT *, score_customers(device, row_bytes, row_partition, row_offset, usage_bytes, topic) AS outcome FROM latest;

INSERT INTO churn_scores
SELECT ENCODE(device, 'UTF-8'), ENCODE(outcome, 'UTF-8') FROM scored WHERE outcome LIKE '{%';

INSERT INTO dead_letters
SELECT
  1, SPLIT_INDEX(outcome, ':', 0), SUBSTRING(outcome, 3 + CHAR_LENGTH(SPLIT_INDEX(outcome, ':', 0))), 'score_churn', device,
  record, CAST(CHAR_LENGTH(DECODE(record, 'ISO-8859-1')) AS BIGINT), CAST(NULL AS STRING), FALSE,
  CAST(NULL AS MAP<STRING, BYTES>), ROW(topic, `partition`, `offset`, 0, 1), 1000 * UNIX_TIMESTAMP(), 0
FROM scored WHERE outcome NOT LIKE '{%';

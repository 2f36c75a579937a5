-- score_churn: the risk that a customer leaves, each time the customer's row changes or the features of its usage.
--
--   customers, customers.usage -> records -> identified -> kept -> rows_and_usage -> latest -> arrivals
--     -> [gather, Java] -> micro_batches -> [ScoreCustomers, Python] -> answers
--   answers -+-> scored --> [scatter, Java] -> scores --> churn_scores
--            +-> refused -> [scatter, Java] -> dead_letter_records -> dead_letters
--
-- Dead letters are not replayable: an old state of a row would come behind the newer ones. The row is read again
-- instead (headrace churn rescore).

-- Rows come by the customer's id, and usage by its pseudonym (docs/how-to/privacy.md). What joins them is the pseudonym.
-- A record without a value only lets compaction remove a deleted key: the row came before it, marked as deleted.
CREATE TEMPORARY VIEW identified AS
SELECT
  COALESCE(PSEUDONYM(CASE WHEN topic = 'customers' THEN device END, ${pseudonym_key}), device) AS person,
  topic = 'customers' AS is_row, device, `partition`, `offset`, record, DECODE(record, 'UTF-8') AS text
FROM records
WHERE record IS NOT NULL;

-- Of a deleted row only that it is deleted, and when: what else it says would stay in the state for ever.
CREATE TEMPORARY VIEW kept AS
SELECT
  person, is_row, device, `partition`, `offset`,
  CASE
    WHEN is_row AND text LIKE '%"__deleted"%"true"%' AND JSON_VALUE(text, '$.__deleted') = 'true'
      AND JSON_VALUE(text, '$.__source_ts_ms') SIMILAR TO '[0-9]{1,18}'
    THEN ENCODE(CONCAT('{"__deleted":"true","__source_ts_ms":', JSON_VALUE(text, '$.__source_ts_ms'), '}'), 'UTF-8')
    ELSE record
  END AS record
FROM identified;

-- What is scored is a row and its usage: each record is one of the two.
CREATE TEMPORARY VIEW rows_and_usage AS
SELECT
  person, PROCTIME() AS proc, is_row, device, `partition`, `offset`,
  CASE WHEN is_row THEN device END AS row_key,
  CASE WHEN is_row THEN record END AS row_record,
  CASE WHEN NOT is_row THEN record END AS usage_record
FROM kept;

-- The newest row and the newest usage beside each record: both functions pass over NULL. A join of two changing tables
-- would take back the pairs that it gave before, and no store downstream could.
CREATE TEMPORARY VIEW latest AS
SELECT
  is_row, COALESCE(LAST_VALUE(row_key) OVER so_far, device) AS customer,
  LATEST_RECORD(`partition`, `offset`, row_record) OVER so_far AS newest_row,
  LATEST_RECORD(`partition`, `offset`, usage_record) OVER so_far AS newest_usage
FROM rows_and_usage
WINDOW so_far AS (PARTITION BY person ORDER BY proc ROWS UNBOUNDED PRECEDING);

-- A batch has one bucket; jobs/operators/score_customers.py reads the columns behind it.
CREATE TEMPORARY VIEW arrivals AS
SELECT
  0 AS bucket, is_row, customer,
  COALESCE(l.newest_usage.`partition`, -1) AS usage_partition, COALESCE(l.newest_usage.`offset`, -1) AS usage_offset,
  l.newest_usage.record AS usage,
  COALESCE(l.newest_row.`partition`, -1) AS row_partition, COALESCE(l.newest_row.`offset`, -1) AS row_offset,
  l.newest_row.record AS `row`
FROM latest AS l;

-- Behind the state, and in its task: what goes to Python is one row a batch.
CREATE TEMPORARY VIEW gathered AS OPERATOR gather;

CREATE TEMPORARY VIEW micro_batches AS
SELECT frame FROM gathered;

CREATE TEMPORARY VIEW answers AS OPERATOR score;

CREATE TEMPORARY VIEW scored AS
SELECT frame FROM answers WHERE NOT are_dead_letters;

CREATE TEMPORARY VIEW refused AS
SELECT frame FROM answers WHERE are_dead_letters;

CREATE TEMPORARY VIEW scores AS OPERATOR scatter_scores;

CREATE TEMPORARY VIEW dead_letter_records AS OPERATOR scatter_dead_letters;

INSERT INTO churn_scores SELECT key, record FROM scores;

INSERT INTO dead_letters SELECT key, record FROM dead_letter_records;

-- score_churn: the risk that a customer leaves, each time the customer's row changes or the features of its usage.
--
--   customers, customers.usage -> records -> identified -> [Pseudonymise, Java] -> pseudonymous -> texts -> kept
--     -> halves -> latest -> framed -> [GatherMicroBatches, Java] -> gathered -> micro_batches
--     -> [ScoreCustomers, Python] -> answers
--   answers -+-> scored --> [ScatterRecords, Java] -> scores --> churn_scores
--            +-> refused -> [ScatterRecords, Java] -> letters -> dead_letters
--
-- Dead letters are not replayable: an old state of a row would come behind the newer ones. The row is read again
-- instead (headrace churn rescore).

-- Rows come by the customer's id, and usage by its pseudonym (docs/privacy.md). What joins them is the pseudonym.
-- A record without a value only lets compaction remove a deleted key: the row came before it, marked as deleted.
CREATE TEMPORARY VIEW identified AS
SELECT CASE WHEN topic = 'customers' THEN device END AS customer_id, device, record, topic, `partition`, `offset`
FROM records
WHERE record IS NOT NULL;

CREATE TEMPORARY VIEW pseudonymous AS OPERATOR pseudonymise;

-- The record itself is not looked at: LATIN-1 is text in which a byte is a character, and LAST_VALUE takes text, and no
-- bytes.
CREATE TEMPORARY VIEW texts AS
SELECT
  COALESCE(pseudonym, device) AS person, topic = 'customers' AS is_row, CAST(`partition` AS STRING) AS at_partition,
  CAST(`offset` AS STRING) AS at_offset, DECODE(record, 'ISO-8859-1') AS text,
  COALESCE(DECODE(ENCODE(JSON_STRING(device), 'UTF-8'), 'ISO-8859-1'), 'null') AS named_by
FROM pseudonymous;

-- Of a deleted row only that it is deleted, and when: what else it says would stay in the state for ever.
CREATE TEMPORARY VIEW kept AS
SELECT
  person, is_row, at_partition, at_offset, named_by,
  CASE
    WHEN is_row AND text LIKE '%"__deleted"%"true"%' AND JSON_VALUE(text, '$.__deleted') = 'true'
      AND JSON_VALUE(text, '$.__source_ts_ms') SIMILAR TO '[0-9]{1,18}'
    THEN CONCAT('{"__deleted":"true","__source_ts_ms":', JSON_VALUE(text, '$.__source_ts_ms'), '}')
    ELSE text
  END AS text
FROM texts;

-- Each record is one half of what is scored, with where it stands in front.
CREATE TEMPORARY VIEW halves AS
SELECT
  person, PROCTIME() AS proc, is_row, named_by,
  CASE WHEN is_row THEN named_by END AS customer,
  CASE WHEN is_row THEN CONCAT(at_partition, ',', at_offset, ',', text) END AS row_half,
  CASE WHEN NOT is_row THEN
    CONCAT(at_partition, ',', at_offset, ',', CAST(CHAR_LENGTH(text) AS STRING), ',', text)
  END AS usage_half
FROM kept;

-- The newest of both halves beside each record: LAST_VALUE passes over NULL. A join of two changing tables would take
-- back the pairs that it gave before, and no store downstream could.
CREATE TEMPORARY VIEW latest AS
SELECT
  is_row, COALESCE(LAST_VALUE(customer) OVER so_far, named_by) AS customer,
  LAST_VALUE(row_half) OVER so_far AS row_half, LAST_VALUE(usage_half) OVER so_far AS usage_half
FROM halves
WINDOW so_far AS (PARTITION BY person ORDER BY proc ROWS UNBOUNDED PRECEDING);

-- Each as an element of a JSON array (models/churn/arrivals.py).
CREATE TEMPORARY VIEW framed AS
SELECT
  0 AS bucket,
  ENCODE(
    CONCAT(
      CASE WHEN is_row THEN '[true,' ELSE '[false,' END, CAST(CHAR_LENGTH(customer) AS STRING), ',', customer, ',',
      COALESCE(usage_half, '-1,-1,4,null'), ',', COALESCE(row_half, '-1,-1,null'), ']'
    ),
    'ISO-8859-1'
  ) AS record
FROM latest;

-- Behind the state, and in its task: what goes to Python is one row a batch.
CREATE TEMPORARY VIEW gathered AS OPERATOR gather;

CREATE TEMPORARY VIEW micro_batches AS
SELECT records, lengths FROM gathered;

CREATE TEMPORARY VIEW answers AS OPERATOR score;

CREATE TEMPORARY VIEW scored AS
SELECT keys, records, lengths FROM answers WHERE NOT are_letters;

CREATE TEMPORARY VIEW refused AS
SELECT keys, records, lengths FROM answers WHERE are_letters;

CREATE TEMPORARY VIEW scores AS OPERATOR scatter_scores;

CREATE TEMPORARY VIEW letters AS OPERATOR scatter_letters;

INSERT INTO churn_scores SELECT key, record FROM scores;

INSERT INTO dead_letters SELECT key, record FROM letters;

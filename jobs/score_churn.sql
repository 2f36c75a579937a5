-- score_churn: the risk that a customer leaves, each time the customer's row changes.
--
--   customers -> scored -+-> churn_scores
--                        +-> dead_letters
--
-- `outcome` is the score's JSON, or the reason why there is none; NULL for the record that only lets compaction remove a
-- deleted customer's key (models/churn/customer_scores.py). Dead letters are not replayable: an old state of a row would
-- come behind the newer ones. The row is read again instead (headrace churn rescore).

CREATE TEMPORARY VIEW scored AS
SELECT *, score_customers(device, record, `partition`, `offset`) AS outcome FROM customers;

INSERT INTO churn_scores
SELECT ENCODE(device, 'UTF-8'), ENCODE(outcome, 'UTF-8') FROM scored WHERE outcome LIKE '{%';

INSERT INTO dead_letters
SELECT
  1, SPLIT_INDEX(outcome, ':', 0), SUBSTRING(outcome, 3 + CHAR_LENGTH(SPLIT_INDEX(outcome, ':', 0))), 'score_churn', device,
  record, CAST(CHAR_LENGTH(DECODE(record, 'ISO-8859-1')) AS BIGINT), CAST(NULL AS STRING), FALSE,
  CAST(NULL AS MAP<STRING, BYTES>), ROW(topic, `partition`, `offset`, 0, 1), 1000 * UNIX_TIMESTAMP(), 0
FROM scored WHERE outcome NOT LIKE '{%';

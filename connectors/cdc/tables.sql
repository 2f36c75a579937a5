-- The tables of the local stack. A company's own have more columns: every column is captured, and one that is added
-- later is in the next changes of its rows.
CREATE TABLE IF NOT EXISTS customers (
  customer_id text PRIMARY KEY
);

CREATE TABLE IF NOT EXISTS devices (
  device text PRIMARY KEY,
  site text,
  model text,
  owner text
);

-- Else a large value that an update leaves as it was would be missing from the change.
ALTER TABLE customers REPLICA IDENTITY FULL;
ALTER TABLE devices REPLICA IDENTITY FULL;

CREATE TABLE IF NOT EXISTS headrace_heartbeat (
  id int PRIMARY KEY,
  beat_at timestamptz NOT NULL
);

-- Columns as Debezium wants them.
CREATE TABLE IF NOT EXISTS headrace_signals (
  id text PRIMARY KEY,
  type text NOT NULL,
  data text
);

-- The tables that change capture needs for itself.
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

-- refresh: what the topic lacks. 'deletions': rows that are gone may still be in it; 'rows': and rows may be missing;
-- 'snapshot': and the slot is of no use any more, so that it begins anew.
-- version grows with each reason for it, so that who has done the refresh sees that there is a newer reason.
CREATE TABLE IF NOT EXISTS headrace_captured (
  table_name text PRIMARY KEY,
  table_oid oid NOT NULL,
  since timestamptz NOT NULL DEFAULT now(),
  refresh text CHECK (refresh IN ('deletions', 'rows', 'snapshot')),
  reason text,
  version bigint NOT NULL DEFAULT 0
);

-- TRUNCATE logs no row. As its definer: who truncates a table need not be allowed to write here.
CREATE OR REPLACE FUNCTION headrace_note_truncate() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog AS $$
BEGIN
  UPDATE public.headrace_captured
  SET refresh = coalesce(refresh, 'deletions'), reason = 'it was truncated', version = version + 1
  WHERE table_oid = TG_RELID;
  RETURN NULL;
END $$;

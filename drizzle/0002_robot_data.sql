-- What robots did: sessions, episodes, inferences. Written by the journal's shipper only.
--
-- No foreign keys to customers or keys: the journal is the truth, and a row must never be refused (which would stop the
-- shipper, or lose the row) because an account row is not there yet, as after restoring an embedded database.

CREATE TABLE vlaapi.sessions (
  session_id uuid PRIMARY KEY,
  customer_id uuid NOT NULL,
  key_id uuid,
  robot_id text,
  robot_type text,
  model_name text,
  model_version text,
  control_hz double precision,
  pacing text CHECK (pacing IN ('paced', 'chunked', 'lockstep')),
  limits jsonb,
  environment jsonb,
  client jsonb,
  epoch integer NOT NULL DEFAULT 0,
  opened_at timestamptz NOT NULL,
  closed_at timestamptz,
  close_reason text,
  counters jsonb
);
CREATE INDEX sessions_customer ON vlaapi.sessions (customer_id, opened_at DESC);
CREATE INDEX sessions_robot ON vlaapi.sessions (customer_id, robot_id, opened_at DESC);

CREATE TABLE vlaapi.episodes (
  session_id uuid NOT NULL,
  episode integer NOT NULL,
  customer_id uuid NOT NULL,
  robot_id text,
  instruction text NOT NULL,
  instruction_hash text NOT NULL,
  instruction_category text NOT NULL,
  started_at timestamptz NOT NULL,
  ended_at timestamptz,
  ticks bigint NOT NULL DEFAULT 0,
  success boolean,
  first_log_id bigint,
  last_log_id bigint,
  PRIMARY KEY (session_id, episode)
);
CREATE INDEX episodes_customer ON vlaapi.episodes (customer_id, started_at DESC);
CREATE INDEX episodes_ended ON vlaapi.episodes (ended_at);

CREATE TABLE vlaapi.inference_logs (
  -- Time-ordered; `timestamp` is its millisecond exactly, so a log_id alone finds its partition.
  log_id bigint NOT NULL,
  "timestamp" timestamptz NOT NULL,
  request_id uuid NOT NULL,
  customer_id uuid NOT NULL,
  key_id uuid,
  session_id uuid,
  episode integer,
  robot_id text,
  robot_type text NOT NULL,
  model_name text NOT NULL,
  model_version text,

  instruction text NOT NULL,
  instruction_hash text NOT NULL,
  instruction_category text NOT NULL,
  image_shape integer[],
  observation_seq bigint,
  observation_age_ms double precision,
  base_tick bigint,
  state double precision[],

  -- The chunk's first entry and its L2 norm; the whole chunk is float32 little-endian, row-major [chunk_steps, action_dim].
  action_vector double precision[] NOT NULL,
  action_magnitude double precision,
  chunk bytea NOT NULL,
  chunk_steps integer NOT NULL,
  action_dim integer NOT NULL,

  safety_score double precision,
  safety_flags jsonb NOT NULL DEFAULT '[]',

  inference_latency_ms double precision,
  queue_wait_ms double precision,
  decode_ms double precision,
  gpu_compute_ms double precision,

  status text NOT NULL CHECK (status IN ('ok', 'rejected', 'error', 'expired', 'safety_rejected')),
  error_message text,

  PRIMARY KEY (log_id, "timestamp"),
  UNIQUE (request_id, "timestamp"),
  CHECK (octet_length(chunk) = 4 * chunk_steps * action_dim)
) PARTITION BY RANGE ("timestamp");

CREATE INDEX inference_logs_customer_robot ON vlaapi.inference_logs (customer_id, robot_type, "timestamp" DESC);
CREATE INDEX inference_logs_customer_time ON vlaapi.inference_logs (customer_id, "timestamp" DESC, log_id DESC);
CREATE INDEX inference_logs_time ON vlaapi.inference_logs ("timestamp" DESC, log_id DESC);
CREATE INDEX inference_logs_session ON vlaapi.inference_logs (session_id, log_id);
CREATE INDEX inference_logs_flags ON vlaapi.inference_logs USING gin (safety_flags);

-- Strays (from months far ahead: a clock was wrong) are kept, never refused; a row here is an alert.
CREATE TABLE vlaapi.inference_logs_default PARTITION OF vlaapi.inference_logs DEFAULT;

-- Makes the monthly partitions from `months_back` months before the month of `at` to `months_ahead` after it, and those of
-- every earlier month that the default partition has rows of; answers the names of the new ones. Rows of a new partition's
-- month that the default partition holds move into it, because PostgreSQL refuses to attach a partition whose rows the
-- default one has.
CREATE FUNCTION vlaapi.make_partitions(at timestamptz, months_back integer, months_ahead integer) RETURNS SETOF text
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog
  AS $$
DECLARE
  -- Months are UTC months, whatever the session's time zone.
  present timestamp := date_trunc('month', at AT TIME ZONE 'UTC');
  months timestamp[];
  month timestamp;
  starts timestamptz;
  ends timestamptz;
  part text;
BEGIN
  -- One maker at a time: two workers at midnight would otherwise both try to create the same table.
  PERFORM pg_advisory_xact_lock(hashtext('vlaapi.make_partitions'));
  months := ARRAY(
    SELECT present + make_interval(months => i) FROM generate_series(-months_back, months_ahead) AS i
    UNION
    SELECT date_trunc('month', "timestamp" AT TIME ZONE 'UTC') FROM vlaapi.inference_logs_default WHERE "timestamp" < at
    ORDER BY 1);
  FOREACH month IN ARRAY months LOOP
    starts := month AT TIME ZONE 'UTC';
    ends := (month + make_interval(months => 1)) AT TIME ZONE 'UTC';
    part := 'inference_logs_' || to_char(month, 'YYYY_MM');
    CONTINUE WHEN to_regclass('vlaapi.' || part) IS NOT NULL;
    EXECUTE format('CREATE TABLE vlaapi.%I (LIKE vlaapi.inference_logs INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', part);
    EXECUTE format(
      'WITH moved AS (DELETE FROM vlaapi.inference_logs_default WHERE "timestamp" >= %L AND "timestamp" < %L RETURNING *)
       INSERT INTO vlaapi.%I SELECT * FROM moved', starts, ends, part);
    EXECUTE format(
      'ALTER TABLE vlaapi.inference_logs ATTACH PARTITION vlaapi.%I FOR VALUES FROM (%L) TO (%L)', part, starts, ends);
    RETURN NEXT part;
  END LOOP;
END $$;

REVOKE ALL ON FUNCTION vlaapi.make_partitions(timestamptz, integer, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION vlaapi.make_partitions(timestamptz, integer, integer) TO sinew_service;

SELECT vlaapi.make_partitions(now(), 1, 3);

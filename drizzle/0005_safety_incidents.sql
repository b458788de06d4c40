-- What went wrong, or nearly: one row an incident, from its first violation to five seconds after its last. Kept for ever, so
-- nobody who runs as a role of ours may delete one.
CREATE TABLE vlaapi.safety_incidents (
  incident_id uuid PRIMARY KEY,
  customer_id uuid NOT NULL,
  key_id uuid,
  -- NULL over REST and where `open` was refused.
  session_id uuid,
  episode integer,
  robot_id text,
  robot_type text,
  model_name text,
  model_version text,
  environment_type text,

  opened_at timestamptz NOT NULL,
  last_violation_at timestamptz NOT NULL,
  -- NULL while it goes on.
  closed_at timestamptz,

  severity text NOT NULL CHECK (severity IN ('low', 'medium', 'high', 'critical')),
  -- Of the worst moment; beside it all that were seen.
  violation_type text NOT NULL,
  violation_types text[] NOT NULL,
  ticks bigint NOT NULL CHECK (ticks >= 0),
  refusals bigint NOT NULL CHECK (refusals >= 0),

  -- The worst moment. Excess is relative to the limit; NULL where there is no such measure.
  worst_tick bigint,
  worst_excess double precision CHECK (worst_excess BETWEEN 0 AND 1),
  safety_score double precision,
  action_taken text NOT NULL CHECK (action_taken IN ('none', 'clamped', 'held', 'refused')),
  -- Before and after the governor; NULL elements were no numbers, NULL: there was none.
  proposed_action double precision[],
  sent_action double precision[],
  instruction text,

  -- The inference behind it. No foreign key: logs are dropped by retention, incidents are not.
  log_id bigint,
  log_timestamp timestamptz,

  CHECK (violation_type IN
    ('dynamics', 'workspace', 'collision', 'drift', 'emergency', 'not_finite', 'implausible', 'instruction')),
  CHECK (violation_types <@ ARRAY
    ['dynamics', 'workspace', 'collision', 'drift', 'emergency', 'not_finite', 'implausible', 'instruction']),
  CHECK ((log_id IS NULL) = (log_timestamp IS NULL)),
  CHECK (last_violation_at >= opened_at AND (closed_at IS NULL OR closed_at >= last_violation_at))
);
CREATE INDEX safety_incidents_customer ON vlaapi.safety_incidents (customer_id, opened_at DESC);
CREATE INDEX safety_incidents_time ON vlaapi.safety_incidents (opened_at DESC);
CREATE INDEX safety_incidents_session ON vlaapi.safety_incidents (session_id);
CREATE INDEX safety_incidents_log ON vlaapi.safety_incidents (log_id);

ALTER TABLE vlaapi.safety_incidents ENABLE ROW LEVEL SECURITY;
ALTER TABLE vlaapi.safety_incidents FORCE ROW LEVEL SECURITY;
CREATE POLICY service ON vlaapi.safety_incidents TO sinew_service USING (true) WITH CHECK (true);
CREATE POLICY own_rows ON vlaapi.safety_incidents TO sinew_api USING (customer_id = vlaapi.current_customer())
  WITH CHECK (customer_id = vlaapi.current_customer());
GRANT SELECT ON vlaapi.safety_incidents TO sinew_api;
GRANT SELECT, INSERT, UPDATE ON vlaapi.safety_incidents TO sinew_service;

-- What instructions are used for and how they fare, without their text and across customers: not customer-facing.

-- One row an instruction and hour (UTC), recomputed from that hour's rows only. It outlives the rows it came from:
-- retention drops logs, and an hour already counted stays counted.
CREATE TABLE vlaapi.instruction_hours (
  instruction_hash text NOT NULL,
  hour timestamptz NOT NULL,
  instruction_category text NOT NULL,
  uses bigint NOT NULL,
  latency_sum_ms double precision NOT NULL,
  latency_count bigint NOT NULL,
  safety_sum double precision NOT NULL,
  safety_count bigint NOT NULL,
  -- Episodes that ended in this hour with a known outcome.
  episodes_judged bigint NOT NULL,
  episodes_succeeded bigint NOT NULL,
  robot_types text[] NOT NULL,
  first_seen timestamptz NOT NULL,
  last_seen timestamptz NOT NULL,
  PRIMARY KEY (instruction_hash, hour)
);
CREATE INDEX instruction_hours_hour ON vlaapi.instruction_hours (hour);

CREATE TABLE vlaapi.instruction_analytics (
  analytics_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  -- SHA-256, hex, of the normalised instruction.
  instruction_hash text NOT NULL UNIQUE CHECK (instruction_hash ~ '^[0-9a-f]{64}$'),
  instruction_category text NOT NULL,
  instruction_embedding vector(384),
  total_uses bigint NOT NULL,
  -- Of the episodes that ended with a known outcome; NULL while none did.
  success_rate double precision,
  avg_safety_score double precision,
  common_robots text[] NOT NULL,
  avg_latency_ms double precision,
  first_seen timestamptz NOT NULL,
  last_seen timestamptz NOT NULL
);
CREATE INDEX instruction_analytics_embedding ON vlaapi.instruction_analytics
  USING hnsw (instruction_embedding vector_cosine_ops) WITH (m = 16, ef_construction = 64);

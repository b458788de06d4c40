-- What the ingestion of feedback adds to a row, from the log that it is about: the log itself is dropped by retention.
ALTER TABLE vlaapi.feedback
  ADD COLUMN session_id uuid,
  ADD COLUMN episode integer,
  ADD COLUMN instruction_hash text,
  -- The episode said itself how it ended, so that a rating of it counts for nothing in the instruction's statistics. Kept
  -- here because it must stay so when the episode's row is gone.
  ADD COLUMN episode_judged boolean,
  -- NULL until the statistics have it.
  ADD COLUMN processed_at timestamptz;

CREATE INDEX feedback_unprocessed ON vlaapi.feedback (feedback_id) WHERE processed_at IS NULL;
CREATE INDEX feedback_instruction ON vlaapi.feedback (instruction_hash, session_id, episode)
  WHERE feedback_type = 'success_rating';
CREATE INDEX feedback_episode ON vlaapi.feedback (session_id, episode) WHERE feedback_type = 'success_rating';

-- A row's number is taken where its log is looked up.
GRANT USAGE ON SEQUENCE vlaapi.feedback_feedback_id_seq TO sinew_api;

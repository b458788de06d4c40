-- Taking feedback in, in one way there and back each: as a transaction of the client's own it took three for the look-up and
-- three for the row, and waiting for them was most of a request's time. Both run as the customer's role, as every query of a
-- customer does: what they see and write, the policies decide. The role ends with the transaction.

-- What came with this key before, else the log with a number for the row, else nulls. One row.
CREATE FUNCTION vlaapi.feedback_ground(customer uuid, key text, log bigint, at timestamptz)
  RETURNS TABLE (earlier vlaapi.feedback, action double precision[], model text, next_id bigint)
  LANGUAGE plpgsql
  -- Planning it for each value, over the partitions, takes longer than running it.
  SET plan_cache_mode = force_generic_plan
  AS $$
BEGIN
  PERFORM set_config('role', 'sinew_api', true), set_config('sinew.customer_id', customer::text, true);
  RETURN QUERY
    SELECT f, l.action_vector, l.model_name,
      CASE WHEN l.log_id IS NOT NULL THEN nextval('vlaapi.feedback_feedback_id_seq') END
    FROM (SELECT 1) AS one
    LEFT JOIN vlaapi.feedback f ON f.customer_id = customer AND f.idempotency_key = key
    LEFT JOIN vlaapi.inference_logs l
      ON l.log_id = log AND l."timestamp" = at AND l.customer_id = customer AND f.feedback_id IS NULL;
END $$;

-- Stores the row and answers what stands there: this one, what came with its key before, or what has its number.
CREATE FUNCTION vlaapi.feedback_store(report jsonb) RETURNS SETOF vlaapi.feedback
  LANGUAGE plpgsql
  AS $$
DECLARE
  given vlaapi.feedback := jsonb_populate_record(NULL::vlaapi.feedback, report);
BEGIN
  PERFORM set_config('role', 'sinew_api', true), set_config('sinew.customer_id', given.customer_id::text, true),
    -- Answered means kept, whatever the server's default.
    set_config('synchronous_commit', 'on', true);
  RETURN QUERY
    INSERT INTO vlaapi.feedback AS f (feedback_id, customer_id, key_id, log_id, log_timestamp, feedback_type, rating,
      corrected_action, original_action, correction_delta, correction_magnitude, failure_reason, notes, "timestamp",
      idempotency_key)
    VALUES (given.feedback_id, given.customer_id, given.key_id, given.log_id, given.log_timestamp, given.feedback_type,
      given.rating, given.corrected_action, given.original_action, given.correction_delta, given.correction_magnitude,
      given.failure_reason, given.notes, given."timestamp", given.idempotency_key)
    ON CONFLICT DO NOTHING RETURNING f.*;
  IF FOUND THEN RETURN; END IF;
  RETURN QUERY SELECT f.* FROM vlaapi.feedback f
    WHERE f.customer_id = given.customer_id AND f.idempotency_key = given.idempotency_key;
  IF FOUND THEN RETURN; END IF;
  RETURN QUERY SELECT f.* FROM vlaapi.feedback f
    WHERE f.customer_id = given.customer_id AND f.feedback_id = given.feedback_id;
END $$;

REVOKE ALL ON FUNCTION vlaapi.feedback_ground(uuid, text, bigint, timestamptz), vlaapi.feedback_store(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION vlaapi.feedback_ground(uuid, text, bigint, timestamptz), vlaapi.feedback_store(jsonb)
  TO sinew_service;

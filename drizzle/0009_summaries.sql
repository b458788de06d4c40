-- Summaries that answer at once. Materialised views know no row-level security, so customers have no grant on them: each
-- has a view beside it (own_…) that shows a customer its own rows.

-- What was billed, a day; latency and safety are there once the night's aggregation of that day has run.
CREATE MATERIALIZED VIEW vlaapi.daily_usage_summary AS
WITH performance AS (
  SELECT customer_id, aggregation_date AS day,
    sum(avg_latency_ms * total_inferences) / nullif(sum(total_inferences) FILTER (WHERE avg_latency_ms IS NOT NULL), 0)
      AS avg_latency_ms,
    sum(avg_safety_score * total_inferences)
      / nullif(sum(total_inferences) FILTER (WHERE avg_safety_score IS NOT NULL), 0) AS avg_safety_score
  FROM vlaapi.robot_performance_metrics
  GROUP BY customer_id, aggregation_date
)
SELECT customer_id, day AS date, tier, sum(inferences)::bigint AS inferences, sum(rejected)::bigint AS rejected,
  sum(micro_dollars)::bigint AS micro_dollars, array_agg(DISTINCT model_name ORDER BY model_name) AS models,
  min(p.avg_latency_ms) AS avg_latency_ms, min(p.avg_safety_score) AS avg_safety_score
FROM vlaapi.usage_days LEFT JOIN performance p USING (customer_id, day)
WHERE day > (now() AT TIME ZONE 'UTC')::date - 90
GROUP BY customer_id, day, tier;
CREATE UNIQUE INDEX daily_usage_summary_key ON vlaapi.daily_usage_summary (customer_id, date, tier);
CREATE INDEX daily_usage_summary_date ON vlaapi.daily_usage_summary (date);

CREATE MATERIALIZED VIEW vlaapi.monthly_billing_summary AS
SELECT customer_id, date_trunc('month', day)::date AS month, tier, count(DISTINCT day) AS active_days,
  sum(inferences)::bigint AS inferences, sum(rejected)::bigint AS rejected, sum(micro_dollars)::bigint AS micro_dollars
FROM vlaapi.usage_days
WHERE day >= date_trunc('month', now() AT TIME ZONE 'UTC') - interval '12 months'
GROUP BY customer_id, date_trunc('month', day), tier;
CREATE UNIQUE INDEX monthly_billing_summary_key ON vlaapi.monthly_billing_summary (customer_id, month, tier);
CREATE INDEX monthly_billing_summary_month ON vlaapi.monthly_billing_summary (month);

CREATE MATERIALIZED VIEW vlaapi.safety_trend_summary AS
SELECT customer_id, (opened_at AT TIME ZONE 'UTC')::date AS date, coalesce(robot_type, 'unknown') AS robot_type, severity,
  violation_type, count(*) AS incidents, sum(ticks)::bigint AS ticks, sum(refusals)::bigint AS refusals,
  max(worst_excess) AS worst_excess, min(safety_score) AS min_safety_score
FROM vlaapi.safety_incidents
WHERE opened_at >= date_trunc('day', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' - interval '89 days'
GROUP BY 1, 2, 3, 4, 5;
CREATE UNIQUE INDEX safety_trend_summary_key
  ON vlaapi.safety_trend_summary (customer_id, date, robot_type, severity, violation_type);
CREATE INDEX safety_trend_summary_date ON vlaapi.safety_trend_summary (date, severity);

-- Feedback a day. The rate is of that day's inferences; NULL where none were counted.
CREATE MATERIALIZED VIEW vlaapi.feedback_analytics AS
WITH said AS (
  SELECT customer_id, ("timestamp" AT TIME ZONE 'UTC')::date AS date, count(*) AS feedback,
    count(DISTINCT log_id) AS logs,
    count(*) FILTER (WHERE feedback_type = 'success_rating') AS success_ratings,
    avg(rating) FILTER (WHERE feedback_type = 'success_rating')::float8 AS avg_success_rating,
    count(*) FILTER (WHERE feedback_type = 'safety_rating') AS safety_ratings,
    avg(rating) FILTER (WHERE feedback_type = 'safety_rating')::float8 AS avg_safety_rating,
    count(*) FILTER (WHERE feedback_type = 'action_correction') AS corrections,
    avg(correction_magnitude) AS avg_correction_magnitude,
    count(*) FILTER (WHERE feedback_type = 'failure_report') AS failures
  FROM vlaapi.feedback
  GROUP BY 1, 2
), reasons AS (
  SELECT customer_id, date, jsonb_object_agg(failure_reason, n) AS failure_reasons
  FROM (SELECT customer_id, ("timestamp" AT TIME ZONE 'UTC')::date AS date, failure_reason, count(*) AS n
        FROM vlaapi.feedback WHERE failure_reason IS NOT NULL GROUP BY 1, 2, 3) AS counted
  GROUP BY 1, 2
), used AS (
  SELECT customer_id, day AS date, sum(inferences)::bigint AS inferences FROM vlaapi.usage_days GROUP BY 1, 2
)
SELECT said.*, coalesce(reasons.failure_reasons, '{}') AS failure_reasons, coalesce(used.inferences, 0) AS inferences,
  logs::float8 / nullif(used.inferences, 0) AS feedback_rate
FROM said LEFT JOIN reasons USING (customer_id, date) LEFT JOIN used USING (customer_id, date);
CREATE UNIQUE INDEX feedback_analytics_key ON vlaapi.feedback_analytics (customer_id, date);
CREATE INDEX feedback_analytics_date ON vlaapi.feedback_analytics (date);

DO $$
DECLARE summary text;
BEGIN
  FOREACH summary IN ARRAY ARRAY['daily_usage_summary', 'monthly_billing_summary', 'safety_trend_summary',
    'feedback_analytics'] LOOP
    EXECUTE format('REVOKE ALL ON vlaapi.%I FROM PUBLIC', summary);
    EXECUTE format('GRANT SELECT ON vlaapi.%I TO sinew_service', summary);
    EXECUTE format(
      'CREATE VIEW vlaapi.%I WITH (security_barrier) AS
       SELECT * FROM vlaapi.%I WHERE customer_id = vlaapi.current_customer()', 'own_' || summary, summary);
    EXECUTE format('GRANT SELECT ON vlaapi.%I TO sinew_api, sinew_service', 'own_' || summary);
  END LOOP;
END $$;

-- Refreshing is the owner's alone; this lets our own processes do it. Readers go on with the old rows meanwhile.
CREATE FUNCTION vlaapi.refresh_summaries() RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog
  AS $$
BEGIN
  -- One at a time: a second one would wait for each view in turn, and do all the work again.
  PERFORM pg_advisory_xact_lock(hashtext('vlaapi.refresh_summaries'));
  REFRESH MATERIALIZED VIEW CONCURRENTLY vlaapi.daily_usage_summary;
  REFRESH MATERIALIZED VIEW CONCURRENTLY vlaapi.monthly_billing_summary;
  REFRESH MATERIALIZED VIEW CONCURRENTLY vlaapi.safety_trend_summary;
  REFRESH MATERIALIZED VIEW CONCURRENTLY vlaapi.feedback_analytics;
END $$;
REVOKE ALL ON FUNCTION vlaapi.refresh_summaries() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION vlaapi.refresh_summaries() TO sinew_service;

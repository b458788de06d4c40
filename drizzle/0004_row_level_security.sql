-- Customer-facing tables are scoped to the customer by the database itself, whatever a query forgot. FORCE binds the
-- tables' owner too, so both roles need a policy: sinew_service all rows, sinew_api the named customer's.
-- Partitions carry no grants: sinew_api reaches rows only through the parent, where the policies are.
DO $$
DECLARE tbl text;
BEGIN
  FOREACH tbl IN ARRAY ARRAY['customers', 'api_keys', 'sessions', 'episodes', 'inference_logs'] LOOP
    EXECUTE format('ALTER TABLE vlaapi.%I ENABLE ROW LEVEL SECURITY', tbl);
    EXECUTE format('ALTER TABLE vlaapi.%I FORCE ROW LEVEL SECURITY', tbl);
    EXECUTE format('CREATE POLICY service ON vlaapi.%I TO sinew_service USING (true) WITH CHECK (true)', tbl);
    EXECUTE format(
      'CREATE POLICY own_rows ON vlaapi.%I TO sinew_api USING (customer_id = vlaapi.current_customer())
       WITH CHECK (customer_id = vlaapi.current_customer())', tbl);
    EXECUTE format('GRANT SELECT ON vlaapi.%I TO sinew_api', tbl);
  END LOOP;
END $$;

GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA vlaapi TO sinew_service;
-- A customer's own key list never includes the hashes.
REVOKE SELECT ON vlaapi.api_keys FROM sinew_api;
GRANT SELECT (key_id, customer_id, key_prefix, name, scopes, created_at, expires_at, revoked_at, last_used_at)
  ON vlaapi.api_keys TO sinew_api;

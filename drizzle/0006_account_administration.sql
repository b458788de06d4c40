-- What administering accounts needs: operators, limits of one customer, keys that replace others.

-- Operators administer every customer; all others only themselves.
ALTER TABLE vlaapi.customers ADD COLUMN is_operator boolean NOT NULL DEFAULT false;
-- Single limits that differ from those of the tier; NULL: none does.
ALTER TABLE vlaapi.customers ADD COLUMN limits jsonb CHECK (jsonb_typeof(limits) = 'object');
CREATE INDEX customers_created ON vlaapi.customers (created_at, customer_id);

-- The key that this one replaces.
ALTER TABLE vlaapi.api_keys ADD COLUMN rotated_from uuid;
CREATE INDEX api_keys_rotated_from ON vlaapi.api_keys (rotated_from) WHERE rotated_from IS NOT NULL;
CREATE INDEX api_keys_in_force ON vlaapi.api_keys (customer_id, expires_at) WHERE revoked_at IS NULL;

GRANT SELECT (rotated_from) ON vlaapi.api_keys TO sinew_api;
-- A customer makes and ends its own keys; whose they are and what they may do is never changed afterwards.
GRANT INSERT (key_id, customer_id, key_hash, key_prefix, name, scopes, created_at, expires_at, revoked_at, rotated_from)
  ON vlaapi.api_keys TO sinew_api;
GRANT UPDATE (expires_at, revoked_at) ON vlaapi.api_keys TO sinew_api;

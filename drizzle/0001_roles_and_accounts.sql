-- Extensions, roles, accounts.
--
-- Two roles, both without login. `sinew_service` sees every customer's rows: nobody becomes it, but a user that our own
-- processes connect as must be its member, as the user is made who runs this migration. `sinew_api` is what a customer's
-- query runs as (SET LOCAL ROLE): it sees the rows of the customer named in `sinew.customer_id`, and none at all where
-- nothing is named. Roles belong to the whole cluster, so another database's migration may have made them.
CREATE EXTENSION IF NOT EXISTS vector;

DO $$
DECLARE wanted text;
BEGIN
  FOREACH wanted IN ARRAY ARRAY['sinew_service', 'sinew_api'] LOOP
    BEGIN
      EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
    EXCEPTION WHEN duplicate_object OR unique_violation THEN
      NULL;
    END;
    -- Also for the role's creator: since PostgreSQL 16 creating a role gives neither its privileges nor SET ROLE.
    BEGIN
      EXECUTE format('GRANT %I TO CURRENT_USER', wanted);
    EXCEPTION WHEN insufficient_privilege THEN
      IF NOT pg_has_role(current_user, wanted, 'MEMBER') THEN
        RAISE EXCEPTION 'role % exists and this user may not join it: GRANT % TO %', wanted, wanted, current_user;
      END IF;
    END;
  END LOOP;
END $$;

CREATE SCHEMA IF NOT EXISTS vlaapi;
GRANT USAGE ON SCHEMA vlaapi TO sinew_service, sinew_api;

-- The tenant of this transaction; NULL (which equals nothing) where none is set.
CREATE FUNCTION vlaapi.current_customer() RETURNS uuid
  LANGUAGE sql STABLE PARALLEL SAFE
  AS $$ SELECT nullif(current_setting('sinew.customer_id', true), '')::uuid $$;

CREATE TABLE vlaapi.customers (
  customer_id uuid PRIMARY KEY,
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  tier text NOT NULL DEFAULT 'free' CHECK (tier IN ('free', 'pro', 'enterprise')),
  is_active boolean NOT NULL DEFAULT true,
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE vlaapi.api_keys (
  key_id uuid PRIMARY KEY,
  customer_id uuid NOT NULL REFERENCES vlaapi.customers (customer_id) ON DELETE CASCADE,
  -- SHA-256 of the key, hex. The key itself is shown once and kept nowhere.
  key_hash text NOT NULL UNIQUE CHECK (key_hash ~ '^[0-9a-f]{64}$'),
  -- The first characters, so that a person recognises the key in a list.
  key_prefix text NOT NULL,
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  scopes text[] NOT NULL CHECK (cardinality(scopes) > 0),
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz,
  revoked_at timestamptz,
  last_used_at timestamptz
);
CREATE INDEX api_keys_customer ON vlaapi.api_keys (customer_id, created_at);

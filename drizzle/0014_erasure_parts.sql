-- Who has which part in an erasure. Rows of erasures alone cannot say it: every gateway erases the journal in its own folder, also
-- one that was switched off when the erasure was asked for.

-- The journals that there are: a gateway says so when it starts, and its shipper.
CREATE TABLE vlaapi.journals (
  journal_id uuid PRIMARY KEY,
  node integer NOT NULL,
  -- A shipper keeps the text of sessions that go on in its checkpoint.
  has_shipper boolean NOT NULL DEFAULT false,
  first_seen_at timestamptz NOT NULL DEFAULT now(),
  last_seen_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE vlaapi.erasure_parts (
  erasure_id uuid NOT NULL REFERENCES vlaapi.erasures (erasure_id) ON DELETE CASCADE,
  -- 'tables', 'journal:ID' or 'shipper:ID'.
  part text NOT NULL,
  counts jsonb NOT NULL DEFAULT '{}',
  -- Why it is not done yet, where it was tried.
  trouble text,
  done_at timestamptz,
  PRIMARY KEY (erasure_id, part)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON vlaapi.journals, vlaapi.erasure_parts TO sinew_service;

-- Whether the sessions of a customer are recorded where they are served, beside the journal.
ALTER TABLE vlaapi.customers ADD COLUMN record_sessions boolean NOT NULL DEFAULT false;

-- Which gateway issues log_ids under which node number. A number is another gateway's only from `free_from` on.
CREATE TABLE vlaapi.gateway_nodes (
  node smallint PRIMARY KEY CHECK (node BETWEEN 0 AND 63),
  -- Of one process' life: a gateway that starts again is another one.
  holder uuid NOT NULL,
  renewed_at timestamptz NOT NULL,
  free_from timestamptz NOT NULL
);
GRANT SELECT, INSERT, UPDATE, DELETE ON vlaapi.gateway_nodes TO sinew_service;

-- One row per job. The columns are what lists filter by; record is the whole job as JSON.
CREATE TABLE jobs (
  id INTEGER PRIMARY KEY,
  state TEXT NOT NULL,
  alias TEXT,
  node TEXT NOT NULL,
  record TEXT NOT NULL
) STRICT;

CREATE INDEX jobs_by_alias ON jobs (alias, id) WHERE alias IS NOT NULL;
CREATE INDEX jobs_alive ON jobs (id) WHERE state IN ('starting', 'running');

-- Who holds an alias. One job at a time, by the primary key.
CREATE TABLE alias_claims (
  alias TEXT PRIMARY KEY,
  job_id INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

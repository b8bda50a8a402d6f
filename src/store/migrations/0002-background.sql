-- Records get what jobs have now; those from before were attached and had no files.
ALTER TABLE jobs ADD COLUMN expires_at INTEGER;
ALTER TABLE jobs ADD COLUMN stored_bytes INTEGER NOT NULL DEFAULT 0;

UPDATE jobs SET record = json_set(
  record,
  '$.mode', 'attached',
  '$.leftovers', 'leave',
  '$.successExitCodes', json('[0]'),
  '$.retainSeconds', 604800,
  '$.callback', NULL
);
UPDATE jobs SET record = json_set(
  record,
  '$.output.stdout', json_object('bytes', record ->> '$.output.stdoutBytes', 'keptFrom', record ->> '$.output.stdoutBytes', 'truncated', json('false')),
  '$.output.stderr', json_object('bytes', record ->> '$.output.stderrBytes', 'keptFrom', record ->> '$.output.stderrBytes', 'truncated', json('false')),
  '$.output.storedBytes', 0
) WHERE state = 'ended';
UPDATE jobs SET record = json_set(record, '$.lostAt', record ->> '$.createdAt', '$.output', NULL) WHERE state = 'lost';
UPDATE jobs SET expires_at = coalesce(record ->> '$.endedAt', record ->> '$.createdAt') + 604800000
  WHERE state NOT IN ('starting', 'running');

CREATE INDEX jobs_by_expiry ON jobs (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX jobs_kept ON jobs (id) WHERE stored_bytes > 0;

-- Callbacks, one row per job and event. The number orders a job's events.
CREATE TABLE callbacks (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  job_id INTEGER NOT NULL,
  event TEXT NOT NULL,
  url TEXT NOT NULL,
  form TEXT NOT NULL,
  state TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  next_attempt_at INTEGER,
  last_attempt_at INTEGER,
  last_status INTEGER,
  last_error TEXT
) STRICT;

CREATE INDEX callbacks_by_job ON callbacks (job_id, number);
CREATE INDEX callbacks_pending ON callbacks (next_attempt_at) WHERE state = 'pending';

-- Nonces of signatures that have been used, until their time is over.
CREATE TABLE signature_nonces (
  nonce TEXT PRIMARY KEY,
  until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX signature_nonces_by_time ON signature_nonces (until);

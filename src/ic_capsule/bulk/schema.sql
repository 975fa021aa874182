-- The ledger of a bulk run. Times are seconds since 1970 (REAL) unless a name ends in _ns; hashes are SHA-256 (32 bytes).
-- PRAGMA user_version holds the version of this layout; steps from older ones are in database.py.

CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

-- One row for each path that was added. `path` is as the file system has it (any bytes), `name` is safe to show.
CREATE TABLE file (
  id INTEGER PRIMARY KEY,
  path BLOB NOT NULL UNIQUE,
  name TEXT NOT NULL,
  size INTEGER NOT NULL,
  mtime_ns INTEGER NOT NULL,
  sha256 BLOB,
  kind TEXT NOT NULL,
  mime TEXT NOT NULL,
  tags TEXT NOT NULL DEFAULT '[]',
  duplicate_of INTEGER REFERENCES file (id),
  facts TEXT,
  memory_id TEXT,
  first_byte REAL,
  safe REAL,
  added REAL NOT NULL
);
CREATE INDEX file_by_content ON file (sha256);
CREATE INDEX file_by_original ON file (duplicate_of) WHERE duplicate_of IS NOT NULL;

-- What is stored for a file: its original and its derivatives. `sent` counts bytes handed to the network, again and again.
CREATE TABLE part (
  file INTEGER NOT NULL REFERENCES file (id),
  kind TEXT NOT NULL,
  size INTEGER NOT NULL,
  sha256 BLOB NOT NULL,
  idem TEXT NOT NULL,
  session INTEGER,
  blob_id TEXT,
  uploaded_at_ns INTEGER NOT NULL DEFAULT 0,
  sent INTEGER NOT NULL DEFAULT 0,
  state TEXT NOT NULL DEFAULT 'new',
  PRIMARY KEY (file, kind)
) WITHOUT ROWID;

-- Where each file is in each stage; states are in states.py.
CREATE TABLE stage (
  file INTEGER NOT NULL REFERENCES file (id),
  stage TEXT NOT NULL,
  state TEXT NOT NULL,
  priority INTEGER NOT NULL DEFAULT 0,
  attempts INTEGER NOT NULL DEFAULT 0,
  max_attempts INTEGER NOT NULL DEFAULT 5,
  next_at REAL NOT NULL DEFAULT 0,
  lease_by TEXT,
  lease_until REAL,
  class TEXT,
  error TEXT,
  started REAL,
  finished REAL,
  PRIMARY KEY (file, stage)
) WITHOUT ROWID;
CREATE INDEX stage_next ON stage (state, stage, priority DESC, next_at, file);

-- Updates under way: written before an update is sent, deleted when its answer is in the ledger.
CREATE TABLE request (
  request_id BLOB PRIMARY KEY,
  file INTEGER,
  stage TEXT,
  method TEXT NOT NULL,
  expiry_ns INTEGER NOT NULL,
  sent_at REAL NOT NULL
) WITHOUT ROWID;

-- Every try that failed.
CREATE TABLE attempt (
  file INTEGER NOT NULL REFERENCES file (id),
  stage TEXT NOT NULL,
  n INTEGER NOT NULL,
  at REAL NOT NULL,
  class TEXT NOT NULL,
  text TEXT NOT NULL,
  ms REAL NOT NULL,
  retry_after REAL
);
CREATE INDEX attempt_by_file ON attempt (file, stage);

-- What happened, for live views; only the newest are kept, `seq` never starts over.
CREATE TABLE event (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  at REAL NOT NULL,
  type TEXT NOT NULL,
  file INTEGER,
  data TEXT NOT NULL DEFAULT '{}'
);

-- The thumbnail of a content (WebP), for the embedder, the report and the gallery.
CREATE TABLE preview (sha256 BLOB PRIMARY KEY, width INTEGER NOT NULL, height INTEGER NOT NULL, webp BLOB NOT NULL);

-- Vectors: float32, little-endian.
CREATE TABLE embedding (
  sha256 BLOB NOT NULL,
  model TEXT NOT NULL,
  dim INTEGER NOT NULL,
  vector BLOB NOT NULL,
  PRIMARY KEY (sha256, model)
) WITHOUT ROWID;

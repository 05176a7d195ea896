-- State of plugins: a bucket for each plugin and tenant. The triggers below keep its counts.
CREATE TABLE state_buckets (
  id INTEGER PRIMARY KEY,
  plugin TEXT NOT NULL,
  tenant TEXT NOT NULL,
  keys INTEGER NOT NULL DEFAULT 0,
  bytes INTEGER NOT NULL DEFAULT 0,
  UNIQUE (plugin, tenant)
);

CREATE TABLE state_entries (
  bucket INTEGER NOT NULL,
  key TEXT NOT NULL,
  value BLOB NOT NULL,
  -- Random, new with each write.
  version INTEGER NOT NULL,
  -- When it expires; NULL for never.
  expires_ms INTEGER,
  PRIMARY KEY (bucket, key)
) WITHOUT ROWID;
CREATE INDEX state_expiring ON state_entries (expires_ms) WHERE expires_ms IS NOT NULL;

CREATE TRIGGER state_entry_added AFTER INSERT ON state_entries BEGIN
  UPDATE state_buckets
  SET keys = keys + 1, bytes = bytes + octet_length(new.key) + octet_length(new.value)
  WHERE id = new.bucket;
END;
CREATE TRIGGER state_entry_changed AFTER UPDATE OF value ON state_entries BEGIN
  UPDATE state_buckets
  SET bytes = bytes + octet_length(new.value) - octet_length(old.value)
  WHERE id = new.bucket;
END;
CREATE TRIGGER state_entry_removed AFTER DELETE ON state_entries BEGIN
  UPDATE state_buckets
  SET keys = keys - 1, bytes = bytes - octet_length(old.key) - octet_length(old.value)
  WHERE id = old.bucket;
END;

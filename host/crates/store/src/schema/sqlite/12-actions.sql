-- Actions of people, by commands and in the console. Rows are only appended; each has a digest over the digest of the row
-- before it and its own columns.
CREATE TABLE actions (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  time_ms INTEGER NOT NULL,
  -- The account of a command, or the name of a person in the console.
  who TEXT NOT NULL,
  -- `command`, or the role in the console.
  role TEXT NOT NULL,
  tenant TEXT,
  action TEXT NOT NULL,
  -- Kind and id of the object, such as `delivery 7`.
  object TEXT NOT NULL,
  state_before TEXT,
  state_after TEXT,
  -- The person's reason.
  reason TEXT,
  -- NULL for rows of older programs.
  chain TEXT
);
CREATE INDEX actions_by_object ON actions (object, id);
INSERT INTO actions (id, time_ms, who, role, action, object, state_before, state_after)
  SELECT id, time_ms, who, 'command', action,
    CASE WHEN delivery = 0 THEN 'replica'
      WHEN substr(action, 1, 11) = 'disconnect ' THEN coalesce(
        (SELECT 'channel ' || id FROM front_channels
         WHERE audit.action = 'disconnect ' || channel_id || ' (' || key || ')'), 'channel')
      ELSE 'delivery ' || delivery END,
    state_before, state_after
  FROM audit ORDER BY id;
DROP TABLE audit;

-- Attempts of deliveries that have ended.
CREATE TABLE attempts (
  delivery INTEGER NOT NULL,
  number INTEGER NOT NULL,
  begun_ms INTEGER NOT NULL,
  took_ms INTEGER NOT NULL,
  -- The delivery's state after the attempt.
  state TEXT NOT NULL,
  reason TEXT,
  -- The gateway, if several share the database.
  replica INTEGER,
  PRIMARY KEY (delivery, number)
) WITHOUT ROWID;
CREATE TRIGGER delivery_deleted_with_attempts AFTER DELETE ON deliveries BEGIN
  DELETE FROM attempts WHERE delivery = old.id;
END;

-- The reason without the parts that differ between deliveries, to group by.
ALTER TABLE deliveries ADD COLUMN reason_group TEXT;
CREATE INDEX deliveries_listed ON deliveries (state, id);
CREATE INDEX deliveries_grouped ON deliveries (state, reason_group, tenant) WHERE state <> 'sent';
CREATE INDEX deliveries_of_conversation ON deliveries (tenant, conversation, id);

-- People who are signed in to the console.
CREATE TABLE console_sessions (
  -- Digest of the cookie.
  id TEXT PRIMARY KEY,
  -- Digest of the proof that the browser sends with each change.
  proof TEXT NOT NULL,
  who TEXT NOT NULL,
  role TEXT NOT NULL,
  -- Names of tenants, a JSON list; NULL for all.
  tenants TEXT,
  created_ms INTEGER NOT NULL,
  used_ms INTEGER NOT NULL
) WITHOUT ROWID;

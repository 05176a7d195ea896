-- What was accepted, and what was answered: the same again gets the same answer.
CREATE TABLE events (
  tenant TEXT NOT NULL,
  identity TEXT NOT NULL,
  answer BLOB NOT NULL,
  rejected INTEGER NOT NULL,
  time_ms INTEGER NOT NULL,
  PRIMARY KEY (tenant, identity)
) WITHOUT ROWID;
CREATE INDEX events_by_time ON events (time_ms);

CREATE TABLE deliveries (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant TEXT NOT NULL,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  conversation TEXT NOT NULL,
  fields TEXT NOT NULL,
  request TEXT NOT NULL,
  state TEXT NOT NULL,
  -- When it may go on; NULL while an earlier one of its conversation is open.
  due_ms INTEGER,
  -- Who works on it: random, and in every write about it.
  lease TEXT,
  -- What was decided, and whether a request that must not be repeated may have left.
  plan TEXT,
  sending INTEGER NOT NULL DEFAULT 0,
  waits_for_plugin INTEGER NOT NULL DEFAULT 0,
  attempts INTEGER NOT NULL DEFAULT 0,
  questions INTEGER NOT NULL DEFAULT 0,
  reason TEXT,
  result TEXT,
  created_ms INTEGER NOT NULL,
  -- Since when it waits: since it was accepted, or since an operator let it go on.
  since_ms INTEGER NOT NULL,
  -- When it was first worked on.
  begun_ms INTEGER,
  changed_ms INTEGER NOT NULL
);
CREATE INDEX deliveries_due ON deliveries (tenant, kind, due_ms) WHERE state IN ('ready', 'unknown') AND lease IS NULL;
CREATE INDEX deliveries_open ON deliveries (tenant, conversation, id) WHERE state IN ('ready', 'leased', 'unknown');
CREATE INDEX deliveries_active ON deliveries (tenant, conversation)
  WHERE state IN ('ready', 'leased', 'unknown') AND due_ms IS NOT NULL;
CREATE INDEX deliveries_routing ON deliveries (tenant, conversation)
  WHERE kind = 'routing' AND state = 'ready' AND due_ms IS NULL;
CREATE INDEX deliveries_counted ON deliveries (tenant, state);
CREATE INDEX deliveries_ended ON deliveries (changed_ms) WHERE state IN ('sent', 'failed', 'cancelled');

-- How often each list of workers had its turn.
CREATE TABLE turns (
  tenant TEXT NOT NULL,
  list TEXT NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY (tenant, list)
) WITHOUT ROWID;

-- What operators did by hand.
CREATE TABLE audit (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  time_ms INTEGER NOT NULL,
  who TEXT NOT NULL,
  delivery INTEGER NOT NULL,
  action TEXT NOT NULL,
  state_before TEXT NOT NULL,
  state_after TEXT NOT NULL
);

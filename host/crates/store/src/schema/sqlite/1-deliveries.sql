-- Accepted events with their answers: a repeated event gets the same answer.
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
  -- When the next attempt is due; NULL while an earlier delivery of the conversation is open.
  due_ms INTEGER,
  -- Random token of the lease, compared in every write.
  lease TEXT,
  -- The decision, and whether a request that must not be repeated may have left.
  plan TEXT,
  sending INTEGER NOT NULL DEFAULT 0,
  waits_for_plugin INTEGER NOT NULL DEFAULT 0,
  attempts INTEGER NOT NULL DEFAULT 0,
  questions INTEGER NOT NULL DEFAULT 0,
  reason TEXT,
  result TEXT,
  created_ms INTEGER NOT NULL,
  -- When it was accepted, or last retried by an operator.
  since_ms INTEGER NOT NULL,
  -- When the first attempt began.
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

-- Round-robin counters of lists of workers.
CREATE TABLE turns (
  tenant TEXT NOT NULL,
  list TEXT NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY (tenant, list)
) WITHOUT ROWID;

-- Changes by operators.
CREATE TABLE audit (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  time_ms INTEGER NOT NULL,
  who TEXT NOT NULL,
  delivery INTEGER NOT NULL,
  action TEXT NOT NULL,
  state_before TEXT NOT NULL,
  state_after TEXT NOT NULL
);

-- Facts of requests, without personal data.
CREATE TABLE requests (
  -- Position among all requests of the gateway; increases over restarts.
  sequence INTEGER PRIMARY KEY,
  id TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  tenant TEXT,
  -- Id of the conversation; NULL without one, and if its key is an address.
  conversation TEXT,
  -- The other facts, JSON.
  facts TEXT NOT NULL
);
CREATE INDEX requests_by_id ON requests (id);
CREATE INDEX requests_by_time ON requests (at_ms);
CREATE INDEX requests_of_conversation ON requests (tenant, conversation, sequence) WHERE conversation IS NOT NULL;

-- Which conversations have an address. The digest needs a key, which is in a file beside this one.
CREATE TABLE addresses (
  digest BLOB NOT NULL,
  tenant TEXT NOT NULL,
  conversation TEXT NOT NULL,
  -- Time of the last request with it.
  last_ms INTEGER NOT NULL,
  PRIMARY KEY (digest, tenant, conversation)
) WITHOUT ROWID;
CREATE INDEX addresses_by_time ON addresses (last_ms);

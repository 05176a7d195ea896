-- The customers of a tenant, as its source reported them.
CREATE TABLE customer_sources (
  id INTEGER PRIMARY KEY,
  tenant TEXT NOT NULL UNIQUE,
  plugin TEXT NOT NULL,
  -- 1 after the first enumeration with these settings.
  is_ready INTEGER NOT NULL DEFAULT 0,
  -- Digests of what decides who sees what, and of how texts and keys are made.
  settings TEXT NOT NULL,
  version TEXT NOT NULL,
  -- Where the source continues; empty before the first enumeration has ended.
  cursor BLOB NOT NULL DEFAULT X'',
  -- Where the running enumeration continues, and its number; 0 if none runs.
  sweep_cursor BLOB NOT NULL DEFAULT X'',
  sweeping INTEGER NOT NULL DEFAULT 0,
  generation INTEGER NOT NULL DEFAULT 0,
  -- Number of the last change, and of the last one whose removals are no longer known.
  seq INTEGER NOT NULL DEFAULT 0,
  floor_seq INTEGER NOT NULL DEFAULT 0,
  next_n INTEGER NOT NULL DEFAULT 1,
  -- Number of customers that are not gone.
  live INTEGER NOT NULL DEFAULT 0,
  -- Customers that the last enumeration did not find, and that wait for an operator.
  held INTEGER NOT NULL DEFAULT 0,
  total INTEGER,
  teams TEXT NOT NULL DEFAULT '[]',
  synced_ms INTEGER,
  swept_ms INTEGER,
  failed_ms INTEGER,
  failures INTEGER NOT NULL DEFAULT 0,
  failure TEXT
) STRICT;

CREATE TABLE customers (
  source INTEGER NOT NULL,
  n INTEGER NOT NULL,
  customer_id TEXT NOT NULL,
  sort_key BLOB NOT NULL,
  searched TEXT NOT NULL,
  name TEXT NOT NULL,
  avatar TEXT,
  -- A JSON array of audiences.
  audiences TEXT NOT NULL,
  version INTEGER,
  digest BLOB NOT NULL,
  has_unknown_number INTEGER NOT NULL,
  generation INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  fetched_ms INTEGER NOT NULL,
  is_complete INTEGER NOT NULL,
  -- When the customer was removed or got another sort key, with another number. Only id and sort key are kept, so that
  -- a page can continue after it.
  gone_ms INTEGER,
  PRIMARY KEY (source, n)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX customers_by_id ON customers (source, customer_id) WHERE gone_ms IS NULL;
CREATE UNIQUE INDEX customers_by_seq ON customers (source, seq);
CREATE INDEX customers_gone ON customers (source, customer_id) WHERE gone_ms IS NOT NULL;

-- The whole customer as JSON.
CREATE TABLE customer_records (
  source INTEGER NOT NULL,
  n INTEGER NOT NULL,
  record TEXT NOT NULL,
  PRIMARY KEY (source, n)
) STRICT, WITHOUT ROWID;

-- Addresses by which a customer is found: the digits of a number, or the identity of a chat customer.
CREATE TABLE customer_addresses (
  source INTEGER NOT NULL,
  address TEXT NOT NULL,
  n INTEGER NOT NULL,
  PRIMARY KEY (source, address, n)
) STRICT, WITHOUT ROWID;
CREATE INDEX customer_addresses_of ON customer_addresses (source, n);

-- Customers that an operator erased, as digests of their ids. Sources cannot add them again.
CREATE TABLE customers_forgotten (
  source INTEGER NOT NULL,
  id_digest BLOB NOT NULL,
  PRIMARY KEY (source, id_digest)
) STRICT, WITHOUT ROWID;

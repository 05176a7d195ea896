-- Sign-ins and tokens of Front apps with OAuth. The columns have the same names and meanings as in SQLite, which
-- explains them.

CREATE TABLE front_logins (
  id text PRIMARY KEY,
  tenant text NOT NULL,
  app text NOT NULL,
  step bigint NOT NULL,
  submissions bigint NOT NULL,
  content bytea NOT NULL,
  created_ms bigint NOT NULL,
  expires_ms bigint NOT NULL
);
CREATE INDEX front_logins_by_app ON front_logins (tenant, app, created_ms);
CREATE INDEX front_logins_by_expiry ON front_logins (expires_ms);

CREATE TABLE front_grants (
  id text PRIMARY KEY,
  tenant text NOT NULL,
  app text NOT NULL,
  client text NOT NULL,
  account_id text NOT NULL,
  account_name text NOT NULL,
  account_address text NOT NULL,
  redirect_uri text NOT NULL,
  challenge text,
  code_digest bytea NOT NULL,
  code_credential bytea,
  code_expires_ms bigint NOT NULL,
  issued_ms bigint NOT NULL DEFAULT 0,
  access_digest bytea,
  access_credential bytea,
  access_expires_ms bigint NOT NULL DEFAULT 0,
  earlier_access_digest bytea,
  earlier_access_credential bytea,
  earlier_access_expires_ms bigint NOT NULL DEFAULT 0,
  refresh_digest bytea,
  refresh_credential bytea,
  refresh_expires_ms bigint NOT NULL DEFAULT 0,
  earlier_refresh_digest bytea,
  earlier_refresh_answer bytea,
  ended_ms bigint,
  created_ms bigint NOT NULL,
  keep_until_ms bigint NOT NULL
);
CREATE INDEX front_grants_by_end ON front_grants (keep_until_ms);

-- Sign-ins in progress of people who connect a channel of a Front app with OAuth.
CREATE TABLE front_logins (
  -- Digest of the secret in the browser's cookie.
  id TEXT PRIMARY KEY,
  tenant TEXT NOT NULL,
  app TEXT NOT NULL,
  -- Number of the page that is shown. A form of an earlier page has no effect.
  step INTEGER NOT NULL,
  -- Number of forms that were submitted.
  submissions INTEGER NOT NULL,
  -- What the page shows and the plugin's state, encrypted with the secret in the cookie.
  content BLOB NOT NULL,
  created_ms INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX front_logins_by_app ON front_logins (tenant, app, created_ms);
CREATE INDEX front_logins_by_expiry ON front_logins (expires_ms);

-- Consents of those people, each with the tokens that Front got for it. A token names its row; the row has digests of
-- tokens, and the provider's credential encrypted with each token.
CREATE TABLE front_grants (
  id TEXT PRIMARY KEY,
  tenant TEXT NOT NULL,
  app TEXT NOT NULL,
  client TEXT NOT NULL,
  -- The provider's account.
  account_id TEXT NOT NULL,
  account_name TEXT NOT NULL,
  account_address TEXT NOT NULL,
  -- The authorization code, and what it is bound to. `challenge` is NULL without PKCE.
  redirect_uri TEXT NOT NULL,
  challenge TEXT,
  code_digest BLOB NOT NULL,
  code_credential BLOB,
  code_expires_ms INTEGER NOT NULL,
  -- The access token; issued_ms is 0 before the code is exchanged.
  issued_ms INTEGER NOT NULL DEFAULT 0,
  access_digest BLOB,
  access_credential BLOB,
  access_expires_ms INTEGER NOT NULL DEFAULT 0,
  -- The access token before it, which ends by itself.
  earlier_access_digest BLOB,
  earlier_access_credential BLOB,
  earlier_access_expires_ms INTEGER NOT NULL DEFAULT 0,
  refresh_digest BLOB,
  refresh_credential BLOB,
  refresh_expires_ms INTEGER NOT NULL DEFAULT 0,
  -- The refresh token before it, with the answer to its use, for a client that lost the answer.
  earlier_refresh_digest BLOB,
  earlier_refresh_answer BLOB,
  -- When the grant was revoked.
  ended_ms INTEGER,
  created_ms INTEGER NOT NULL,
  -- When the row can be deleted.
  keep_until_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX front_grants_by_end ON front_grants (keep_until_ms);

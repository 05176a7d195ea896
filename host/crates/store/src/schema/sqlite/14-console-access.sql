-- How the person signed in: `link`, or `proxy` for people of the proxy in front of the console.
ALTER TABLE console_sessions ADD COLUMN origin TEXT NOT NULL DEFAULT 'link';

-- Tokens of scripts that read the console.
CREATE TABLE console_tokens (
  -- Digest of the token.
  id TEXT PRIMARY KEY,
  who TEXT NOT NULL,
  role TEXT NOT NULL,
  -- Names of tenants, a JSON list; NULL for all.
  tenants TEXT,
  created_ms INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL,
  -- Time of the last use, to a minute; NULL before the first.
  used_ms INTEGER
) WITHOUT ROWID;

-- Tokens of bound secrets with a refresh token, which the authorization server may replace at each use.
CREATE TABLE oauth_tokens (
  -- Digest of the client and of the refresh token in the configuration.
  client TEXT PRIMARY KEY,
  -- The refresh token to use next; NULL for that of the configuration.
  refresh_token TEXT,
  access_token TEXT,
  expires_ms INTEGER NOT NULL DEFAULT 0,
  -- Number of renewals.
  generation INTEGER NOT NULL DEFAULT 0,
  -- Random token of the renewal in progress, and when it ends at the latest.
  holder TEXT,
  held_until_ms INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

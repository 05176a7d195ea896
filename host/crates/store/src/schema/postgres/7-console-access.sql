-- How the person signed in: `link`, or `proxy` for people of the proxy in front of the console.
ALTER TABLE console_sessions ADD COLUMN origin text NOT NULL DEFAULT 'link';

-- Tokens of scripts that read the console. `id` is the digest of the token, `tenants` a JSON list, NULL for all.
CREATE TABLE console_tokens (
  id text PRIMARY KEY,
  who text NOT NULL,
  role text NOT NULL,
  tenants text,
  created_ms bigint NOT NULL,
  expires_ms bigint NOT NULL,
  used_ms bigint
);

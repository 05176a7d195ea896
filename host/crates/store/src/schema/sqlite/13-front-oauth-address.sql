-- Whether the authorization request named `redirect_uri`, so that the token request has to name it, too.
ALTER TABLE front_grants ADD COLUMN is_redirect_uri_named INTEGER NOT NULL DEFAULT 1;

-- When a list of workers was used last, so that unused ones are deleted.
ALTER TABLE turns ADD COLUMN used_ms INTEGER NOT NULL DEFAULT 0;

-- The process that holds the lease, and the longest time that a request about the delivery may still be on its way.
-- Both are used if several gateways share a database.
ALTER TABLE deliveries ADD COLUMN replica INTEGER;
ALTER TABLE deliveries ADD COLUMN effect_ms INTEGER;

-- Postgres spreads these counts over several rows. Both engines are read by the same statements.
CREATE VIEW shares AS SELECT tenant, channel, waiting, waiting_bytes, kept, kept_bytes FROM store_shares;
CREATE VIEW bucket_sizes AS SELECT id, plugin, tenant, keys, bytes FROM state_buckets;

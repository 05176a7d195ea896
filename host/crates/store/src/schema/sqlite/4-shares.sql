-- Quota usage of each tenant, kept by the triggers below, so that checking a limit costs one lookup.
-- Channel 0 counts all deliveries of a tenant, channel -1 its events, any other one the open imports of
-- that channel.
CREATE TABLE store_shares (
  tenant TEXT NOT NULL,
  channel INTEGER NOT NULL,
  -- Open or dead deliveries.
  waiting INTEGER NOT NULL DEFAULT 0,
  waiting_bytes INTEGER NOT NULL DEFAULT 0,
  -- Ended deliveries; for events, all of them.
  kept INTEGER NOT NULL DEFAULT 0,
  kept_bytes INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant, channel)
) WITHOUT ROWID;

INSERT INTO store_shares (tenant, channel, waiting, waiting_bytes, kept, kept_bytes)
  SELECT tenant, 0,
    sum(state NOT IN ('sent', 'failed', 'cancelled')),
    sum(octet_length(payload) * (state NOT IN ('sent', 'failed', 'cancelled'))),
    sum(state IN ('sent', 'failed', 'cancelled')),
    sum(octet_length(payload) * (state IN ('sent', 'failed', 'cancelled')))
  FROM deliveries GROUP BY tenant;
INSERT INTO store_shares (tenant, channel, waiting, waiting_bytes)
  SELECT tenant, channel, count(*), sum(octet_length(payload)) FROM deliveries
  WHERE channel IS NOT NULL AND kind IN ('front-import', 'front-status')
    AND state NOT IN ('sent', 'failed', 'cancelled')
  GROUP BY tenant, channel;
INSERT INTO store_shares (tenant, channel, kept, kept_bytes)
  SELECT tenant, -1, count(*), sum(octet_length(identity) + octet_length(answer)) FROM events GROUP BY tenant;

-- Deliveries are inserted as `ready`.
CREATE TRIGGER delivery_added AFTER INSERT ON deliveries BEGIN
  INSERT INTO store_shares (tenant, channel, waiting, waiting_bytes)
    VALUES (new.tenant, 0, 1, octet_length(new.payload))
    ON CONFLICT DO UPDATE SET waiting = waiting + 1, waiting_bytes = waiting_bytes + excluded.waiting_bytes;
  INSERT INTO store_shares (tenant, channel, waiting, waiting_bytes)
    SELECT new.tenant, new.channel, 1, octet_length(new.payload)
    WHERE new.channel IS NOT NULL AND new.kind IN ('front-import', 'front-status')
    ON CONFLICT DO UPDATE SET waiting = waiting + 1, waiting_bytes = waiting_bytes + excluded.waiting_bytes;
END;
CREATE TRIGGER delivery_ended AFTER UPDATE OF state ON deliveries
WHEN old.state NOT IN ('sent', 'failed', 'cancelled') AND new.state IN ('sent', 'failed', 'cancelled') BEGIN
  UPDATE store_shares
  SET waiting = waiting - 1, waiting_bytes = waiting_bytes - octet_length(new.payload),
    kept = kept + 1, kept_bytes = kept_bytes + octet_length(new.payload)
  WHERE tenant = new.tenant AND channel = 0;
  UPDATE store_shares
  SET waiting = waiting - 1, waiting_bytes = waiting_bytes - octet_length(new.payload)
  WHERE tenant = new.tenant AND channel = new.channel AND new.kind IN ('front-import', 'front-status');
END;
CREATE TRIGGER delivery_reopened AFTER UPDATE OF state ON deliveries
WHEN old.state IN ('sent', 'failed', 'cancelled') AND new.state NOT IN ('sent', 'failed', 'cancelled') BEGIN
  UPDATE store_shares
  SET waiting = waiting + 1, waiting_bytes = waiting_bytes + octet_length(new.payload),
    kept = kept - 1, kept_bytes = kept_bytes - octet_length(new.payload)
  WHERE tenant = new.tenant AND channel = 0;
  INSERT INTO store_shares (tenant, channel, waiting, waiting_bytes)
    SELECT new.tenant, new.channel, 1, octet_length(new.payload)
    WHERE new.channel IS NOT NULL AND new.kind IN ('front-import', 'front-status')
    ON CONFLICT DO UPDATE SET waiting = waiting + 1, waiting_bytes = waiting_bytes + excluded.waiting_bytes;
END;
-- Only ended deliveries are deleted.
CREATE TRIGGER delivery_deleted AFTER DELETE ON deliveries BEGIN
  UPDATE store_shares SET kept = kept - 1, kept_bytes = kept_bytes - octet_length(old.payload)
  WHERE tenant = old.tenant AND channel = 0;
END;
CREATE TRIGGER event_added AFTER INSERT ON events BEGIN
  INSERT INTO store_shares (tenant, channel, kept, kept_bytes)
    VALUES (new.tenant, -1, 1, octet_length(new.identity) + octet_length(new.answer))
    ON CONFLICT DO UPDATE SET kept = kept + 1, kept_bytes = kept_bytes + excluded.kept_bytes;
END;
CREATE TRIGGER event_answered AFTER UPDATE OF answer ON events BEGIN
  UPDATE store_shares SET kept_bytes = kept_bytes - octet_length(old.answer) + octet_length(new.answer)
  WHERE tenant = new.tenant AND channel = -1;
END;
CREATE TRIGGER event_deleted AFTER DELETE ON events BEGIN
  UPDATE store_shares
  SET kept = kept - 1, kept_bytes = kept_bytes - octet_length(old.identity) - octet_length(old.answer)
  WHERE tenant = old.tenant AND channel = -1;
END;

-- Covering indexes: reading the columns behind a payload of a megabyte takes hundreds of pages, while all
-- writes wait for the writer thread.
DROP INDEX deliveries_due;
CREATE INDEX deliveries_due ON deliveries (tenant, kind, due_ms, channel, state, lease)
  WHERE state IN ('ready', 'unknown') AND lease IS NULL;
-- Deliveries that wait for a message in flight of their channel.
DROP INDEX deliveries_by_channel;
CREATE INDEX deliveries_paused ON deliveries (channel, due_ms)
  WHERE channel IS NOT NULL AND state = 'ready' AND lease IS NULL AND plan IS NULL
    AND kind IN ('front-import', 'front-status');
-- Deliveries that a routing must not overtake.
CREATE INDEX deliveries_in_the_way ON deliveries (tenant, conversation, id)
  WHERE state IN ('ready', 'leased', 'unknown') AND NOT (waits_for_plugin OR state = 'ready' AND due_ms IS NULL);

-- Deliveries by tenant, state and reason, kept by the triggers below, so that the console counts all of them with few
-- lookups. Only states that few deliveries pass through are counted: the usual way from `ready` to `sent` fires no trigger,
-- and the view below computes the rest from the shares. A delivery without a reason has an empty one.
CREATE TABLE store_groups (
  tenant TEXT NOT NULL,
  state TEXT NOT NULL,
  reason_group TEXT NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY (tenant, state, reason_group)
) WITHOUT ROWID;
CREATE INDEX groups_by_state ON store_groups (state, count);

INSERT INTO store_groups (tenant, state, reason_group, count)
  SELECT tenant, state, CASE WHEN state <> 'cancelled' THEN coalesce(reason_group, '') ELSE '' END AS reason, count(*)
  FROM deliveries
  WHERE state IN ('unknown', 'dead', 'failed', 'cancelled') OR state = 'ready' AND coalesce(reason_group, '') <> ''
  GROUP BY tenant, state, reason;

CREATE TRIGGER delivery_left_group AFTER UPDATE OF state, reason_group ON deliveries
WHEN (old.state IN ('unknown', 'dead', 'failed', 'cancelled') OR old.state = 'ready' AND coalesce(old.reason_group, '') <> '')
  AND (old.state <> new.state OR coalesce(old.reason_group, '') <> coalesce(new.reason_group, '')) BEGIN
  UPDATE store_groups SET count = count - 1
  WHERE tenant = old.tenant AND state = old.state
    AND reason_group = CASE WHEN old.state <> 'cancelled' THEN coalesce(old.reason_group, '') ELSE '' END;
  DELETE FROM store_groups
  WHERE tenant = old.tenant AND state = old.state AND count <= 0
    AND reason_group = CASE WHEN old.state <> 'cancelled' THEN coalesce(old.reason_group, '') ELSE '' END;
END;
CREATE TRIGGER delivery_joined_group AFTER UPDATE OF state, reason_group ON deliveries
WHEN (new.state IN ('unknown', 'dead', 'failed', 'cancelled') OR new.state = 'ready' AND coalesce(new.reason_group, '') <> '')
  AND (old.state <> new.state OR coalesce(old.reason_group, '') <> coalesce(new.reason_group, '')) BEGIN
  INSERT INTO store_groups (tenant, state, reason_group, count)
    VALUES (new.tenant, new.state, CASE WHEN new.state <> 'cancelled' THEN coalesce(new.reason_group, '') ELSE '' END, 1)
    ON CONFLICT DO UPDATE SET count = count + 1;
END;
-- Only ended deliveries are deleted.
CREATE TRIGGER delivery_deleted_from_group AFTER DELETE ON deliveries
WHEN old.state IN ('failed', 'cancelled') BEGIN
  UPDATE store_groups SET count = count - 1
  WHERE tenant = old.tenant AND state = old.state
    AND reason_group = CASE WHEN old.state <> 'cancelled' THEN coalesce(old.reason_group, '') ELSE '' END;
  DELETE FROM store_groups
  WHERE tenant = old.tenant AND state = old.state AND count <= 0
    AND reason_group = CASE WHEN old.state <> 'cancelled' THEN coalesce(old.reason_group, '') ELSE '' END;
END;

-- All deliveries by tenant, state and reason. Cancelled, leased and sent ones have no reason here. Both engines are read by
-- the same statements.
CREATE VIEW delivery_groups AS
  SELECT tenant, state, nullif(reason_group, '') AS reason_group, count FROM store_groups
  UNION ALL
  SELECT tenant, 'leased' AS state, NULL AS reason_group,
    (SELECT count(*) FROM deliveries WHERE deliveries.tenant = shares.tenant AND state = 'leased') AS count
  FROM shares WHERE channel = 0
  UNION ALL
  SELECT tenant, 'ready' AS state, NULL AS reason_group,
    waiting - (SELECT count(*) FROM deliveries WHERE deliveries.tenant = shares.tenant AND state = 'leased')
      - (SELECT coalesce(sum(count), 0) FROM store_groups
         WHERE store_groups.tenant = shares.tenant AND state IN ('ready', 'unknown', 'dead')) AS count
  FROM shares WHERE channel = 0
  UNION ALL
  SELECT tenant, 'sent' AS state, NULL AS reason_group,
    kept - (SELECT coalesce(sum(count), 0) FROM store_groups
            WHERE store_groups.tenant = shares.tenant AND state IN ('failed', 'cancelled')) AS count
  FROM shares WHERE channel = 0;

-- Deliveries of a channel, by kind and state.
CREATE INDEX deliveries_of_channel ON deliveries (channel, kind, state) WHERE channel IS NOT NULL;
CREATE INDEX front_channels_listed ON front_channels (tenant, app, id) WHERE state <> 'removed';
CREATE INDEX front_channels_offline ON front_channel_health (is_offline);
-- The numbers of all tenants. A change of a number does not change the index.
CREATE INDEX shares_by_channel ON store_shares (channel);
-- What a person did.
CREATE INDEX actions_by_person ON actions (who, id);

-- All deliveries by tenant, state and reason, as in SQLite. Cancelled, leased and sent ones have no reason here. They are
-- counted in the index `deliveries_grouped`; sent ones, most of all deliveries, are computed from the shares.
CREATE VIEW delivery_groups AS
  SELECT tenant, state, nullif(reason_group, '') AS reason_group, count(*) AS count
  FROM deliveries WHERE state IN ('ready', 'unknown', 'dead', 'failed') AND state <> 'sent' GROUP BY 1, 2, 3
  UNION ALL
  SELECT tenant, state, NULL, count(*)
  FROM deliveries WHERE state IN ('leased', 'cancelled') AND state <> 'sent' GROUP BY 1, 2
  UNION ALL
  SELECT tenant, 'sent', NULL,
    kept - (SELECT count(*) FROM deliveries
            WHERE deliveries.tenant = shares.tenant AND state IN ('failed', 'cancelled') AND state <> 'sent')
  FROM shares WHERE channel = 0;

CREATE INDEX deliveries_of_channel ON deliveries (channel, kind, state) WHERE channel IS NOT NULL;
CREATE INDEX front_channels_listed ON front_channels (tenant, app, id) WHERE state <> 'removed';
CREATE INDEX front_channels_offline ON front_channel_health (is_offline);
CREATE INDEX actions_by_person ON actions (who, id);

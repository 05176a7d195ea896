-- Channels of Front apps that have failed, and which status Front has. A channel without a row works.
CREATE TABLE front_channel_health (
  channel INTEGER PRIMARY KEY,
  -- Time of the first of the failed checks; NULL if the last check succeeded.
  failing_since_ms INTEGER,
  -- Consecutive checks with refused credentials.
  refusals INTEGER NOT NULL,
  reason TEXT,
  -- Whether Front shows, or is to show, the channel as offline; and whether it has accepted that.
  is_offline INTEGER NOT NULL,
  is_reported INTEGER NOT NULL
);

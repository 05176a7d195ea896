-- Channels that have failed, and which status Front has. A channel without a row works.
CREATE TABLE front_channel_health (
  channel bigint PRIMARY KEY,
  -- Time of the first of the failed checks; NULL if the last check succeeded.
  failing_since_ms bigint,
  -- Consecutive checks with refused credentials.
  refusals bigint NOT NULL,
  reason text,
  -- Whether Front shows, or is to show, the channel as offline; and whether it has accepted that.
  is_offline boolean NOT NULL,
  is_reported boolean NOT NULL
);

-- Payloads of other platforms are not forms.
ALTER TABLE deliveries RENAME COLUMN fields TO payload;
ALTER TABLE deliveries ADD COLUMN channel INTEGER;
ALTER TABLE deliveries ADD COLUMN message INTEGER;
ALTER TABLE events ADD COLUMN status INTEGER NOT NULL DEFAULT 200;

-- Channels of Front apps.
CREATE TABLE front_channels (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant TEXT NOT NULL,
  app TEXT NOT NULL,
  -- Front's id, `cha_...`.
  channel_id TEXT NOT NULL,
  -- Random key in the addresses that Front and the provider call.
  key TEXT NOT NULL UNIQUE,
  -- The credential that the admin entered.
  credential TEXT,
  -- connecting, connected or removed.
  state TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  changed_ms INTEGER NOT NULL
);
CREATE UNIQUE INDEX front_channels_there ON front_channels (tenant, app, channel_id) WHERE state != 'removed';

-- Conversations, by the ids that Front knows.
CREATE TABLE front_conversations (
  channel INTEGER NOT NULL,
  external_id TEXT NOT NULL,
  -- Front's id `cnv_...`, once known.
  front_id TEXT,
  -- Ordering key, equal for conversations that Front has merged.
  lane TEXT NOT NULL,
  -- Handle of the other participant.
  handle TEXT,
  used_ms INTEGER NOT NULL,
  PRIMARY KEY (channel, external_id)
) WITHOUT ROWID;
CREATE INDEX front_conversations_by_lane ON front_conversations (channel, lane);
CREATE INDEX front_conversations_by_front_id ON front_conversations (channel, front_id) WHERE front_id IS NOT NULL;
CREATE INDEX front_conversations_by_handle ON front_conversations (channel, handle, used_ms) WHERE handle IS NOT NULL;
CREATE INDEX front_conversations_by_time ON front_conversations (used_ms);

-- Names of conversations that the plugin uses.
CREATE TABLE front_conversation_names (
  channel INTEGER NOT NULL,
  name TEXT NOT NULL,
  external_id TEXT NOT NULL,
  PRIMARY KEY (channel, name)
) WITHOUT ROWID;
CREATE INDEX front_names_by_conversation ON front_conversation_names (channel, external_id);

CREATE TABLE front_messages (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  channel INTEGER NOT NULL,
  -- Idempotency key: a repeated message is not stored again.
  identity TEXT NOT NULL,
  -- Whether a teammate wrote it, for the provider.
  outbound INTEGER NOT NULL,
  -- The id that Front knows.
  external_id TEXT NOT NULL,
  external_conversation_id TEXT NOT NULL,
  -- The id that the plugin knows.
  name TEXT,
  -- Front's ids: `msg_...`, and the message UID.
  front_id TEXT,
  uid TEXT,
  -- The answer that Front received.
  status INTEGER,
  answer BLOB,
  -- Whether its delivery has ended.
  settled INTEGER NOT NULL DEFAULT 0,
  created_ms INTEGER NOT NULL,
  UNIQUE (channel, identity)
);
CREATE INDEX front_messages_by_external_id ON front_messages (channel, external_id);
CREATE INDEX front_messages_by_conversation ON front_messages (channel, external_conversation_id);
CREATE INDEX front_messages_by_name ON front_messages (channel, name) WHERE name IS NOT NULL;
CREATE INDEX front_messages_by_front_id ON front_messages (channel, front_id) WHERE front_id IS NOT NULL;
CREATE INDEX front_messages_by_uid ON front_messages (channel, uid) WHERE uid IS NOT NULL;
CREATE INDEX front_messages_open ON front_messages (channel) WHERE outbound AND NOT settled;
CREATE INDEX front_messages_by_time ON front_messages (created_ms) WHERE settled;
CREATE INDEX deliveries_by_message ON deliveries (message) WHERE message IS NOT NULL;
CREATE INDEX deliveries_by_channel ON deliveries (channel) WHERE channel IS NOT NULL AND state IN ('ready', 'unknown');

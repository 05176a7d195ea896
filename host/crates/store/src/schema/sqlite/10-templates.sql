-- Templates of the providers of Front's channels.
CREATE TABLE front_templates (
  channel INTEGER NOT NULL,
  -- The id that the plugin knows.
  id TEXT NOT NULL,
  -- The template as the plugin listed it last, as a JSON object; NULL: the plugin no longer lists it.
  template TEXT,
  -- The fields that Front has, as a JSON object; NULL: none yet.
  in_front TEXT,
  PRIMARY KEY (channel, id)
) WITHOUT ROWID;

-- When the templates of each channel are listed next.
CREATE TABLE front_template_lists (
  channel INTEGER PRIMARY KEY,
  due_ms INTEGER NOT NULL
);

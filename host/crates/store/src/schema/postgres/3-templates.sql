-- Templates of the providers of Front's channels.
CREATE TABLE front_templates (
  channel bigint NOT NULL,
  id text NOT NULL,
  template text,
  in_front text,
  PRIMARY KEY (channel, id)
);

CREATE TABLE front_template_lists (
  channel bigint PRIMARY KEY,
  due_ms bigint NOT NULL
);

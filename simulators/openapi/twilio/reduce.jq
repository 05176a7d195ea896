# Reduces an OpenAPI description to the parts that requests and responses are checked against. Drops documentation,
# examples, and the headers of responses.

def documentation:
  (.key | IN("example", "examples", "headers", "operationId", "security", "servers", "summary", "tags", "x-twilio"))
  or ((.key | IN("description", "title")) and (.value | type) == "string");

def reduced:
  if type == "object" then
    # The keys of `properties` are names of fields.
    with_entries(select(documentation | not) | if .key == "properties" then .value |= map_values(reduced) else .value |= reduced end)
  elif type == "array" then map(reduced)
  else .
  end;

{ paths: .paths | reduced, components: { schemas: .components.schemas | reduced } }

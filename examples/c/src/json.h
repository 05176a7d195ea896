/* A strict parser of JSON (RFC 8259): no comments, no trailing commas, only UTF-8. */
#ifndef JSON_H
#define JSON_H

#include "text.h"

typedef enum { JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT } json_kind;

typedef struct json {
  json_kind kind;
  /* A string without escapes; a number as written. */
  text text;
  /* The name of an object's member. */
  text name;
  /* The first child of an array or an object, and the next sibling. */
  struct json *first, *next;
} json;

/* Returns NULL if the text is not JSON, or nested more than 64 levels. The result is valid as long as the arena. */
const json *json_parse(arena *arena, text text);

/* Returns the last member with this name, or NULL. */
const json *json_member(const json *object, text name);

#endif

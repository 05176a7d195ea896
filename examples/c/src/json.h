/* JSON as RFC 8259 has it, and nothing else: no comments, no trailing commas, no texts that are not UTF-8. */
#ifndef JSON_H
#define JSON_H

#include "text.h"

typedef enum { JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT } json_kind;

typedef struct json {
  json_kind kind;
  /* A string without its escapes; a number as it was written. */
  text text;
  /* Of a member of an object. */
  text name;
  /* What an array or an object holds, and what follows in the one that holds this. */
  struct json *first, *next;
} json;

/* NULL where the text is not JSON, or nested more than 64 deep. Lives as long as the arena. */
const json *json_parse(arena *arena, text text);

/* NULL where there is no such member, or this is no object. The last one, where there are several. */
const json *json_member(const json *object, text name);

#endif

/* Reads JSON in place. Each function returns false for a missing or an unexpected value. */
#ifndef CRM_SOURCE_JSON_H
#define CRM_SOURCE_JSON_H

#include "text.h"

/* The rest of a document, from a value on. */
typedef struct {
  const uint8_t *at, *end;
} json_t;

/* Returns whether the bytes are one value of JSON. */
bool json_is_valid(const plugin_list_u8_t *bytes);

/* Finds a field of an object. */
bool json_field(json_t object, const char *name, json_t *value);

/* Starts a list: `json_next` returns its values one by one. */
bool json_list(json_t value, json_t *list);
bool json_next(json_t *list, json_t *value);

bool json_string(json_t value, plugin_string_t *string);
bool json_u64(json_t value, uint64_t *number);

#endif

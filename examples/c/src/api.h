/* The CRM's API: requests, and the meaning of responses. */
#ifndef API_H
#define API_H

#include "crm_plugin.h"
#include "json.h"

typedef exports_frontgate_plugin_crm_error_t error;

/* Reads a path of the CRM. Returns NULL for status 404 and for errors; `why` has the error. */
const json *api_read(arena *arena, text path, error *why);

/* Sets an error, and copies its text. Returns false, so that callers can return the result. */
bool fail(error *error, uint8_t tag, text words);
bool unreadable(error *error);

#define NOT_FOUND FRONTGATE_PLUGIN_PLUGIN_TYPES_ERROR_NOT_FOUND
#define INVALID FRONTGATE_PLUGIN_PLUGIN_TYPES_ERROR_INVALID
#define UNAVAILABLE FRONTGATE_PLUGIN_PLUGIN_TYPES_ERROR_UNAVAILABLE
#define FAILED FRONTGATE_PLUGIN_PLUGIN_TYPES_ERROR_FAILED

text text_of(const crm_plugin_string_t *string);
/* Copies a text into a result. */
void set(crm_plugin_string_t *string, text text);

#endif

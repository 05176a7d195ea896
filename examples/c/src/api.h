/* The CRM's API: what is asked, and what its answers mean. */
#ifndef API_H
#define API_H

#include "crm_plugin.h"
#include "json.h"

typedef exports_frontgate_plugin_crm_error_t error;

/* What is at a place of the CRM. NULL where there is no such thing: `why` says whether it is an error. */
const json *api_read(arena *arena, text path, error *why);

/* Sets an error, whose text is copied. False, so that callers can return it. */
bool fail(error *error, uint8_t tag, text words);
bool unreadable(error *error);

#define NOT_FOUND FRONTGATE_PLUGIN_PLUGIN_TYPES_ERROR_NOT_FOUND
#define INVALID FRONTGATE_PLUGIN_PLUGIN_TYPES_ERROR_INVALID
#define UNAVAILABLE FRONTGATE_PLUGIN_PLUGIN_TYPES_ERROR_UNAVAILABLE
#define FAILED FRONTGATE_PLUGIN_PLUGIN_TYPES_ERROR_FAILED

text text_of(const crm_plugin_string_t *string);
/* A copy, for an answer. */
void set(crm_plugin_string_t *string, text text);

#endif

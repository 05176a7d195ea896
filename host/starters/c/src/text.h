/* Helpers for the bindings' strings, which have a length and no terminating zero.

   Allocate returned data with malloc: the bindings free it after the call. Other memory need not be freed, since an
   instance runs one call. */
#ifndef TEXT_H
#define TEXT_H

#include "plugin.h"

/* Returns a new string, formatted like printf. */
plugin_string_t text(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Returns a copy of a string. */
plugin_string_t copy(const plugin_string_t *text);

/* The arguments for "%.*s" of printf. */
#define SHOWN(string) (int)(string).len, (const char *)(string).ptr

bool is(const plugin_string_t *text, const char *other);

/* Returns whether `whole` contains `part`, ignoring the case of ASCII letters. */
bool contains(const char *whole, const plugin_string_t *part);

/* Returns whether the bytes are UTF-8. A string that is not ends the call. */
bool is_utf8(const plugin_list_u8_t *bytes);

#endif

/* Short ways to deal with the texts of the bindings, which know their length and do not end with a zero.

   What a function of the plugin hands back must come from malloc: the bindings free it after the call. Everything
   else may be left where it is, since an instance lives for one call. */
#ifndef TEXT_H
#define TEXT_H

#include "plugin.h"

/* A text to hand back, as printf makes it. */
plugin_string_t text(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same text once more, to hand back. */
plugin_string_t copy(const plugin_string_t *text);

/* What "%.*s" of printf takes. */
#define SHOWN(string) (int)(string).len, (const char *)(string).ptr

bool is(const plugin_string_t *text, const char *other);

/* Whether `part` stands in `whole`, without regard to ASCII's capitals. */
bool contains(const char *whole, const plugin_string_t *part);

/* Texts must be UTF-8: anything else ends the call. */
bool is_utf8(const plugin_list_u8_t *bytes);

#endif

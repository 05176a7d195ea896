#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

plugin_string_t text(const char *format, ...) {
  va_list arguments, again;
  va_start(arguments, format);
  va_copy(again, arguments);
  plugin_string_t made = {.len = vsnprintf(NULL, 0, format, arguments)};
  made.ptr = malloc(made.len + 1);
  vsnprintf((char *)made.ptr, made.len + 1, format, again);
  va_end(again);
  va_end(arguments);
  return made;
}

plugin_string_t copy(const plugin_string_t *original) {
  plugin_string_t made = {.ptr = malloc(original->len + 1), .len = original->len};
  memcpy(made.ptr, original->ptr, original->len);
  return made;
}

bool is(const plugin_string_t *text, const char *other) {
  return text->len == strlen(other) && memcmp(text->ptr, other, text->len) == 0;
}

bool contains(const char *whole, const plugin_string_t *part) {
  size_t length = strlen(whole);
  for (size_t start = 0; start + part->len <= length; start++)
    if (strncasecmp(whole + start, (const char *)part->ptr, part->len) == 0) return true;
  return false;
}

bool is_utf8(const plugin_list_u8_t *bytes) {
  const uint8_t *at = bytes->ptr, *end = at + bytes->len;
  while (at < end) {
    uint8_t first = *at++;
    int more = first < 0x80 ? 0 : first < 0xc2 ? -1 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : first < 0xf5 ? 3 : -1;
    if (more < 0 || end - at < more) return false;
    /* An overlong form, a surrogate, or a code above U+10FFFF. */
    if ((first == 0xe0 && *at < 0xa0) || (first == 0xed && *at > 0x9f)) return false;
    if ((first == 0xf0 && *at < 0x90) || (first == 0xf4 && *at > 0x8f)) return false;
    for (; more > 0; more--)
      if ((*at++ & 0xc0) != 0x80) return false;
  }
  return true;
}

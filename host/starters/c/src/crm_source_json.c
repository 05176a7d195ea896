#include "crm_source_json.h"

#include <stdlib.h>
#include <string.h>

/* Nested deeper, a document is not valid: each level needs stack. */
#define DEPTH_MAX 64

static void space(json_t *rest) {
  while (rest->at < rest->end && (*rest->at == ' ' || *rest->at == '\t' || *rest->at == '\n' || *rest->at == '\r'))
    rest->at++;
}

/* Skips white space and one byte. */
static bool take(json_t *rest, uint8_t byte) {
  space(rest);
  if (rest->at >= rest->end || *rest->at != byte) return false;
  rest->at++;
  return true;
}

static bool hex(json_t *rest, uint32_t *code) {
  *code = 0;
  if (rest->end - rest->at < 4) return false;
  for (int i = 0; i < 4; i++) {
    uint8_t byte = *rest->at++, lower = byte | 0x20;
    if (byte >= '0' && byte <= '9') *code = *code << 4 | (byte - '0');
    else if (lower >= 'a' && lower <= 'f') *code = *code << 4 | (lower - 'a' + 10);
    else return false;
  }
  return true;
}

static uint8_t *put(uint8_t *to, uint32_t code) {
  if (code < 0x80) return *to++ = code, to;
  if (code < 0x800) *to++ = 0xc0 | code >> 6;
  else {
    if (code < 0x10000) *to++ = 0xe0 | code >> 12;
    else *to++ = 0xf0 | code >> 18, *to++ = 0x80 | (code >> 12 & 63);
    *to++ = 0x80 | (code >> 6 & 63);
  }
  return *to++ = 0x80 | (code & 63), to;
}

/* Reads a string. Without `made`, skips it. */
static bool string(json_t *rest, plugin_string_t *made) {
  if (!take(rest, '"')) return false;
  const uint8_t *start = rest->at;
  uint8_t *to = NULL;
  if (made) {
    /* An escape is never shorter than its character. */
    size_t most = rest->end - start;
    const uint8_t *close = rest->at;
    while (close < rest->end && *close != '"') close += *close == '\\' ? 2 : 1;
    if (close < rest->end) most = close - start;
    made->ptr = to = malloc(most + 1);
  }
  static const char NAMES[] = "\"\\/bfnrt", VALUES[] = "\"\\/\b\f\n\r\t";
  while (rest->at < rest->end) {
    uint32_t code = *rest->at++, low;
    if (code == '"') {
      if (made) made->len = to - made->ptr;
      return true;
    }
    if (code < ' ') return false;
    if (code != '\\') {
      if (to) *to++ = code;
      continue;
    }
    if (rest->at >= rest->end) return false;
    uint8_t escape = *rest->at++;
    const char *name = memchr(NAMES, escape, sizeof NAMES - 1);
    if (name) {
      code = VALUES[name - NAMES];
    } else {
      if (escape != 'u' || !hex(rest, &code)) return false;
      json_t pair = *rest;
      if (code >= 0xd800 && code < 0xdc00 && pair.end - pair.at >= 6 && pair.at[0] == '\\' && pair.at[1] == 'u') {
        pair.at += 2;
        if (hex(&pair, &low) && low >= 0xdc00 && low < 0xe000) {
          code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
          *rest = pair;
        }
      }
      /* Half of a pair is no character. */
      if (code >= 0xd800 && code < 0xe000) code = 0xfffd;
    }
    if (to) to = put(to, code);
  }
  return false;
}

static bool word(json_t *rest, const char *text) {
  size_t length = strlen(text);
  if ((size_t)(rest->end - rest->at) < length || memcmp(rest->at, text, length) != 0) return false;
  rest->at += length;
  return true;
}

/* Skips a value. */
static bool skip(json_t *rest, int depth) {
  space(rest);
  if (rest->at >= rest->end || depth > DEPTH_MAX) return false;
  uint8_t first = *rest->at;
  if (first == '"') return string(rest, NULL);
  if (first == '{' || first == '[') {
    uint8_t close = first == '{' ? '}' : ']';
    rest->at++;
    if (take(rest, close)) return true;
    do {
      if (first == '{' && (!string(rest, NULL) || !take(rest, ':'))) return false;
      if (!skip(rest, depth + 1)) return false;
    } while (take(rest, ','));
    return take(rest, close);
  }
  if (word(rest, "true") || word(rest, "false") || word(rest, "null")) return true;
  const uint8_t *start = rest->at;
  while (rest->at < rest->end && memchr("+-.0123456789Ee", *rest->at, 15)) rest->at++;
  return rest->at > start;
}

bool json_is_valid(const plugin_list_u8_t *bytes) {
  json_t rest = {bytes->ptr, bytes->ptr + bytes->len};
  if (!is_utf8(bytes) || !skip(&rest, 0)) return false;
  space(&rest);
  return rest.at == rest.end;
}

bool json_field(json_t object, const char *name, json_t *value) {
  if (!take(&object, '{')) return false;
  plugin_string_t key;
  while (string(&object, &key) && take(&object, ':')) {
    *value = object;
    if (is(&key, name)) return true;
    if (!skip(&object, 0) || !take(&object, ',')) return false;
  }
  return false;
}

bool json_list(json_t value, json_t *list) {
  *list = value;
  return take(list, '[');
}

bool json_next(json_t *list, json_t *value) {
  take(list, ',');
  *value = *list;
  space(list);
  return list->at < list->end && *list->at != ']' && skip(list, 0);
}

bool json_string(json_t value, plugin_string_t *made) {
  return string(&value, made);
}

bool json_u64(json_t value, uint64_t *number) {
  space(&value);
  const uint8_t *start = value.at;
  *number = 0;
  while (value.at < value.end && *value.at >= '0' && *value.at <= '9') *number = *number * 10 + (*value.at++ - '0');
  return value.at > start && value.at - start < 20;
}

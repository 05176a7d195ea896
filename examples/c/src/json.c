#include "json.h"

#include <stdint.h>
#include <string.h>

enum { DEPTH_MAX = 64 };

typedef struct {
  arena *arena;
  const char *at, *end;
  int depth;
} reader;

static bool read_value(reader *reader, json *value);

/* Returns the next byte; 0 at the end, which never occurs in JSON. */
static char peek(const reader *reader) { return reader->at < reader->end ? *reader->at : '\0'; }

static bool take(reader *reader, char wanted) {
  if (peek(reader) != wanted || reader->at == reader->end) return false;
  reader->at++;
  return true;
}

static void skip_space(reader *reader) {
  while (peek(reader) == ' ' || peek(reader) == '\t' || peek(reader) == '\n' || peek(reader) == '\r') reader->at++;
}

static bool read_word(reader *reader, text word) {
  if ((size_t)(reader->end - reader->at) < word.len || memcmp(reader->at, word.ptr, word.len) != 0) return false;
  reader->at += word.len;
  return true;
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static bool read_digits(reader *reader) {
  if (!is_digit(peek(reader))) return false;
  while (is_digit(peek(reader))) reader->at++;
  return true;
}

static bool read_number(reader *reader, text *number) {
  const char *start = reader->at;
  take(reader, '-');
  if (!take(reader, '0') && !read_digits(reader)) return false;
  if (take(reader, '.') && !read_digits(reader)) return false;
  if (take(reader, 'e') || take(reader, 'E')) {
    if (!take(reader, '+')) take(reader, '-');
    if (!read_digits(reader)) return false;
  }
  *number = (text){start, (size_t)(reader->at - start)};
  return true;
}

/* Reads four hexadecimal digits. */
static bool read_unit(reader *reader, uint32_t *unit) {
  *unit = 0;
  for (int count = 0; count < 4; count++) {
    char c = peek(reader);
    uint32_t digit;
    if (is_digit(c)) digit = (uint32_t)(c - '0');
    else if (c >= 'a' && c <= 'f') digit = (uint32_t)(c - 'a') + 10;
    else if (c >= 'A' && c <= 'F') digit = (uint32_t)(c - 'A') + 10;
    else return false;
    *unit = *unit << 4 | digit;
    reader->at++;
  }
  return true;
}

/* Reads the rest of `\u`: a character, or a surrogate pair. */
static bool read_escaped(reader *reader, uint32_t *character) {
  uint32_t low;
  if (!read_unit(reader, character)) return false;
  if (*character >= 0xDC00 && *character <= 0xDFFF) return false;
  if (*character < 0xD800 || *character > 0xDBFF) return true;
  if (!take(reader, '\\') || !take(reader, 'u') || !read_unit(reader, &low)) return false;
  if (low < 0xDC00 || low > 0xDFFF) return false;
  *character = 0x10000 + ((*character - 0xD800) << 10) + (low - 0xDC00);
  return true;
}

static size_t write_utf8(char *out, uint32_t c) {
  if (c < 0x80) return out[0] = (char)c, 1;
  size_t bytes = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
  for (size_t at = bytes - 1; at > 0; at--, c >>= 6) out[at] = (char)(0x80 | (c & 0x3F));
  out[0] = (char)((0xF00 >> bytes & 0xFF) | c);
  return bytes;
}

/* Returns the length of the UTF-8 character here; 0 if it is invalid. */
static size_t utf8_length(const reader *reader) {
  const unsigned char *at = (const unsigned char *)reader->at;
  size_t left = (size_t)(reader->end - reader->at);
  size_t bytes = at[0] < 0x80 ? 1 : at[0] < 0xC2 ? 0 : at[0] < 0xE0 ? 2 : at[0] < 0xF0 ? 3 : at[0] < 0xF5 ? 4 : 0;
  if (bytes == 0 || bytes > left) return 0;
  for (size_t more = 1; more < bytes; more++) {
    if ((at[more] & 0xC0) != 0x80) return 0;
  }
  /* An overlong form, a surrogate, or a code above U+10FFFF. */
  if (at[0] == 0xE0 && at[1] < 0xA0) return 0;
  if (at[0] == 0xED && at[1] > 0x9F) return 0;
  if (at[0] == 0xF0 && at[1] < 0x90) return 0;
  if (at[0] == 0xF4 && at[1] > 0x8F) return 0;
  return bytes;
}

static bool read_string(reader *reader, text *string) {
  static const char escapes[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
  if (!take(reader, '"')) return false;
  const char *close = reader->at;
  while (close < reader->end && *close != '"') close += *close == '\\' && close + 1 < reader->end ? 2 : 1;
  /* Removing escapes never makes a string longer. */
  char *out = arena_take(reader->arena, (size_t)(close - reader->at) + 1);
  size_t len = 0;
  while (!take(reader, '"')) {
    if (reader->at == reader->end || (unsigned char)*reader->at < 0x20) return false;
    if (!take(reader, '\\')) {
      size_t bytes = utf8_length(reader);
      if (bytes == 0) return false;
      memcpy(out + len, reader->at, bytes);
      reader->at += bytes;
      len += bytes;
      continue;
    }
    if (take(reader, 'u')) {
      uint32_t character;
      if (!read_escaped(reader, &character)) return false;
      len += write_utf8(out + len, character);
      continue;
    }
    const char *escape = peek(reader) == '\0' ? NULL : strchr(escapes, peek(reader));
    if (escape == NULL) return false;
    out[len++] = meant[escape - escapes];
    reader->at++;
  }
  *string = (text){out, len};
  return true;
}

/* Reads the members of an array or an object, after its opening bracket. */
static bool read_members(reader *reader, json *parent, char close) {
  json **end = &parent->first;
  skip_space(reader);
  if (take(reader, close)) return true;
  do {
    json *member = arena_take(reader->arena, sizeof *member);
    *member = (json){0};
    if (parent->kind == JSON_OBJECT) {
      skip_space(reader);
      if (!read_string(reader, &member->name)) return false;
      skip_space(reader);
      if (!take(reader, ':')) return false;
    }
    if (!read_value(reader, member)) return false;
    *end = member;
    end = &member->next;
  } while (take(reader, ','));
  return take(reader, close);
}

/* Reads one value and the space around it. */
static bool read_value(reader *reader, json *value) {
  bool is_read;
  skip_space(reader);
  switch (peek(reader)) {
  case '{':
  case '[':
    if (++reader->depth > DEPTH_MAX) return false;
    value->kind = *reader->at == '{' ? JSON_OBJECT : JSON_ARRAY;
    is_read = read_members(reader, value, *reader->at++ == '{' ? '}' : ']');
    reader->depth--;
    break;
  case '"':
    value->kind = JSON_STRING;
    is_read = read_string(reader, &value->text);
    break;
  case 't':
    value->kind = JSON_TRUE;
    is_read = read_word(reader, TEXT("true"));
    break;
  case 'f':
    value->kind = JSON_FALSE;
    is_read = read_word(reader, TEXT("false"));
    break;
  case 'n':
    value->kind = JSON_NULL;
    is_read = read_word(reader, TEXT("null"));
    break;
  default:
    value->kind = JSON_NUMBER;
    is_read = read_number(reader, &value->text);
  }
  if (is_read) skip_space(reader);
  return is_read;
}

const json *json_parse(arena *arena, text text) {
  reader reader = {.arena = arena, .at = text.ptr, .end = text.ptr + text.len};
  json *root = arena_take(arena, sizeof *root);
  *root = (json){0};
  return read_value(&reader, root) && reader.at == reader.end ? root : NULL;
}

const json *json_member(const json *object, text name) {
  const json *found = NULL;
  if (object == NULL || object->kind != JSON_OBJECT) return NULL;
  for (const json *member = object->first; member != NULL; member = member->next) {
    if (text_is(member->name, name)) found = member;
  }
  return found;
}

#include "text.h"

#include <stdlib.h>
#include <string.h>

struct block {
  struct block *next;
  max_align_t memory[];
};

bool text_is(text one, text other) {
  return one.len == other.len && (one.len == 0 || memcmp(one.ptr, other.ptr, one.len) == 0);
}

size_t text_characters(text text) {
  size_t count = 0;
  for (size_t at = 0; at < text.len; at++) count += (text.ptr[at] & 0xC0) != 0x80;
  return count;
}

void *arena_take(arena *arena, size_t bytes) {
  struct block *block = malloc(sizeof *block + bytes);
  if (block == NULL) abort();
  block->next = arena->blocks;
  arena->blocks = block;
  return block->memory;
}

void arena_free(arena *arena) {
  while (arena->blocks != NULL) {
    struct block *block = arena->blocks;
    arena->blocks = block->next;
    free(block);
  }
}

void line_add(line *line, text piece) {
  if (piece.len > line->room - line->len) {
    size_t room = 2 * (line->len + piece.len);
    char *larger = arena_take(line->arena, room);
    if (line->len > 0) memcpy(larger, line->ptr, line->len);
    line->ptr = larger;
    line->room = room;
  }
  if (piece.len > 0) memcpy(line->ptr + line->len, piece.ptr, piece.len);
  line->len += piece.len;
}

void line_add_number(line *line, size_t number) {
  char digits[20];
  size_t start = sizeof digits;
  do {
    digits[--start] = (char)('0' + number % 10);
    number /= 10;
  } while (number > 0);
  line_add(line, (text){digits + start, sizeof digits - start});
}

static bool is_plain(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

void line_add_escaped(line *line, text value) {
  static const char hex[] = "0123456789ABCDEF";
  for (size_t at = 0; at < value.len; at++) {
    unsigned char byte = (unsigned char)value.ptr[at];
    char escaped[] = {'%', hex[byte >> 4], hex[byte & 15]};
    line_add(line, is_plain((char)byte) ? (text){value.ptr + at, 1} : (text){escaped, sizeof escaped});
  }
}

text line_text(const line *line) { return (text){line->ptr, line->len}; }

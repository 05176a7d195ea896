/* Texts with a length, and an arena that is freed at the end of a call. */
#ifndef TEXT_H
#define TEXT_H

#include <stdbool.h>
#include <stddef.h>

typedef struct {
  const char *ptr;
  size_t len;
} text;

/* A text from a string literal. */
#define TEXT(literal) ((text){(literal), sizeof(literal) - 1})

bool text_is(text one, text other);
/* Returns the number of UTF-8 characters. */
size_t text_characters(text text);

/* The memory of a call. Initialize with {0}. */
typedef struct {
  struct block *blocks;
} arena;

/* Allocates memory until arena_free, aligned for any type. Aborts the call without memory. */
void *arena_take(arena *arena, size_t bytes);
void arena_free(arena *arena);

/* A text builder. */
typedef struct {
  arena *arena;
  char *ptr;
  size_t len, room;
} line;

void line_add(line *line, text piece);
void line_add_number(line *line, size_t number);
/* Appends an escaped query value. */
void line_add_escaped(line *line, text value);
text line_text(const line *line);

#endif

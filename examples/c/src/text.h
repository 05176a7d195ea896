/* Texts with a length, and memory that is given back all at once when a call is over. */
#ifndef TEXT_H
#define TEXT_H

#include <stdbool.h>
#include <stddef.h>

typedef struct {
  const char *ptr;
  size_t len;
} text;

/* A text that stands in the source. */
#define TEXT(literal) ((text){(literal), sizeof(literal) - 1})

bool text_is(text one, text other);
/* How many characters there are in UTF-8. */
size_t text_characters(text text);

/* What a call has taken. Starts as {0}. */
typedef struct {
  struct block *blocks;
} arena;

/* Memory until arena_free, aligned for anything. Ends the plugin where there is none: the gateway notices. */
void *arena_take(arena *arena, size_t bytes);
void arena_free(arena *arena);

/* A text that is put together piece by piece. */
typedef struct {
  arena *arena;
  char *ptr;
  size_t len, room;
} line;

void line_add(line *line, text piece);
void line_add_number(line *line, size_t number);
/* As a value in the query of a URL. */
void line_add_escaped(line *line, text value);
text line_text(const line *line);

#endif

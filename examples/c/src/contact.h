/* A contact of the CRM, and its conversion to a customer. */
#ifndef CONTACT_H
#define CONTACT_H

#include "api.h"

/* An optional text. */
typedef struct {
  bool is_known;
  text text;
} maybe_text;

typedef struct {
  text id;
  maybe_text name, company, email, owner, avatar_url, notes, url;
  /* A validated array of objects. */
  const json *phones;
} contact;

/* Returns false if the JSON does not match the CRM's API description. */
bool contact_read(contact *contact, const json *json);
bool maybe_text_read(maybe_text *maybe, const json *object, text name);

/* Converts to a row of the list. */
void contact_summary(const contact *contact, frontgate_plugin_plugin_types_customer_summary_t *row);
/* Converts to a customer with all details. */
void contact_customer(arena *arena, const contact *contact, frontgate_plugin_plugin_types_customer_t *customer);

/* A plus and seven to fifteen digits, the first of which is not zero. */
bool is_e164(text number);

#endif

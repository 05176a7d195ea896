/* A contact of the CRM, and the customer that Frontgate makes of it. */
#ifndef CONTACT_H
#define CONTACT_H

#include "api.h"

/* A text that the CRM may not know. */
typedef struct {
  bool is_known;
  text text;
} maybe_text;

typedef struct {
  text id;
  maybe_text name, company, email, owner, avatar_url, notes, url;
  /* An array of objects, which were looked at. */
  const json *phones;
} contact;

/* False where it is not what the CRM's description says. */
bool contact_read(contact *contact, const json *json);
bool maybe_text_read(maybe_text *maybe, const json *object, text name);

/* A row of the list. */
void contact_summary(const contact *contact, frontgate_plugin_plugin_types_customer_summary_t *row);
/* With everything that a worker sees. */
void contact_customer(arena *arena, const contact *contact, frontgate_plugin_plugin_types_customer_t *customer);

/* A plus and seven to fifteen digits, the first of which is no zero. */
bool is_e164(text number);

#endif

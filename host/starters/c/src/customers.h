/* Sample customers. Replace them with requests to your own system: frontgate_plugin_http_client_send sends them, after
   the operator has granted the host (`outbound` in plugin.toml). */
#ifndef CUSTOMERS_H
#define CUSTOMERS_H

#include "text.h"

typedef struct {
  const char *id; /* never changes */
  const char *name;
  const char *account;
  const char *worker; /* who owns the customer, or NULL */
  const char *sms;
  const char *whatsapp;
} customer_t;

enum { CUSTOMERS = 5 };

/* In display order. */
extern const customer_t customers[CUSTOMERS];

/* A worker sees their own customers and those without an owner. */
bool customer_is_visible(const customer_t *customer, const plugin_string_t *worker);

/* Returns a customer that this worker may see, or NULL. */
const customer_t *customer_find(const plugin_string_t *worker, const plugin_string_t *id);

/* Returns the customer with the address +12025550107 or whatsapp:+12025550107, or NULL. */
const customer_t *customer_by_address(const plugin_string_t *address);

#endif

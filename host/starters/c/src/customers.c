#include "customers.h"

#include <string.h>

const customer_t customers[CUSTOMERS] = {
    {"c-001", "Kateřina Sharma", "Tier: silver\nSince: 2022", "ana@example.org", "+12125550143", "+12125550143"},
    {"c-002", "Mora Lind", "Tier: gold\nSince: 2019", "ana@example.org", "+12025550107", NULL},
    {"c-003", "Bjørn Aas", "Tier: gold\nSince: 2021", "ben@example.org", "+12025550108", NULL},
    {"c-004", "Zoë Marín", "Tier: new\nSince: 2025", NULL, NULL, "+12025550109"},
    {"c-005", "李娜", "Tier: silver\nSince: 2023", "ana@example.org", "+12025550110", NULL},
};

bool customer_is_visible(const customer_t *customer, const plugin_string_t *worker) {
  return !customer->worker || is(worker, customer->worker);
}

const customer_t *customer_find(const plugin_string_t *worker, const plugin_string_t *id) {
  for (const customer_t *customer = customers; customer < customers + CUSTOMERS; customer++)
    if (is(id, customer->id) && customer_is_visible(customer, worker)) return customer;
  return NULL;
}

const customer_t *customer_by_address(const plugin_string_t *address) {
  const char prefix[] = "whatsapp:";
  size_t length = sizeof prefix - 1;
  plugin_string_t number = *address;
  if (number.len > length && memcmp(number.ptr, prefix, length) == 0) {
    number.ptr += length;
    number.len -= length;
  }
  for (const customer_t *customer = customers; customer < customers + CUSTOMERS; customer++) {
    if (customer->sms && is(&number, customer->sms)) return customer;
    if (customer->whatsapp && is(&number, customer->whatsapp)) return customer;
  }
  return NULL;
}

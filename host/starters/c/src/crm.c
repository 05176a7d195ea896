/* Role `crm`: customers, as the Frontline app shows them, and their addresses. A function returns true and sets `ret`,
   or returns false and sets `err`. */

#include "customers.h"

#include <stdlib.h>
#include <string.h>

bool exports_frontgate_plugin_crm_list_customers(exports_frontgate_plugin_crm_list_request_t *request,
                                                 exports_frontgate_plugin_crm_customer_page_t *ret,
                                                 exports_frontgate_plugin_crm_error_t *err) {
  (void)err;
  const customer_t *found[CUSTOMERS];
  size_t count = 0;
  for (const customer_t *customer = customers; customer < customers + CUSTOMERS; customer++) {
    if (!customer_is_visible(customer, &request->worker)) continue;
    if (request->query.is_some && !contains(customer->name, &request->query.val)) continue;
    found[count++] = customer;
  }

  /* A token is the id of the last customer on the previous page, so `after` and `token` work alike. An unknown id gives
     an empty page: returning the first page again would make the list endless. */
  size_t start = 0;
  if (request->position.tag != EXPORTS_FRONTGATE_PLUGIN_CRM_POSITION_FIRST) {
    const plugin_string_t *last = request->position.tag == EXPORTS_FRONTGATE_PLUGIN_CRM_POSITION_AFTER
                                      ? &request->position.val.after
                                      : &request->position.val.token;
    while (start < count && !is(last, found[start]->id)) start++;
    if (start < count) start++;
  }

  size_t rest = count - start, size = rest < request->page_size ? rest : request->page_size;
  memset(ret, 0, sizeof *ret);
  ret->customers.len = size;
  ret->customers.ptr = calloc(size, sizeof *ret->customers.ptr);
  for (size_t i = 0; i < size; i++) {
    ret->customers.ptr[i].customer_id = text("%s", found[start + i]->id);
    ret->customers.ptr[i].display_name = text("%s", found[start + i]->name);
  }
  if (size > 0 && size < rest) {
    ret->next_page_token.is_some = true;
    ret->next_page_token.val = text("%s", found[start + size - 1]->id);
  }
  return true;
}

static void fill(const customer_t *customer, exports_frontgate_plugin_crm_customer_t *ret) {
  memset(ret, 0, sizeof *ret);
  ret->customer_id = text("%s", customer->id);
  ret->display_name = text("%s", customer->name);
  ret->channels.ptr = calloc(2, sizeof *ret->channels.ptr);
  if (customer->sms) {
    frontgate_plugin_plugin_types_contact_channel_t *channel = &ret->channels.ptr[ret->channels.len++];
    channel->kind = text("sms");
    channel->value = text("%s", customer->sms);
  }
  if (customer->whatsapp) {
    frontgate_plugin_plugin_types_contact_channel_t *channel = &ret->channels.ptr[ret->channels.len++];
    channel->kind = text("whatsapp");
    channel->value = text("whatsapp:%s", customer->whatsapp);
  }
  ret->links.len = 1;
  ret->links.ptr = calloc(1, sizeof *ret->links.ptr);
  ret->links.ptr->kind = text("CRM");
  ret->links.ptr->value = text("https://crm.example.com/customers/%s", customer->id);
  ret->links.ptr->display_name = text("Open in CRM");
  ret->details.is_some = true;
  ret->details.val.title = text("Account");
  ret->details.val.content = text("%s", customer->account);
  if (customer->worker) {
    ret->worker.is_some = true;
    ret->worker.val = text("%s", customer->worker);
  }
}

bool exports_frontgate_plugin_crm_get_customer(plugin_string_t *worker, plugin_string_t *customer_id,
                                               exports_frontgate_plugin_crm_customer_t *ret,
                                               exports_frontgate_plugin_crm_error_t *err) {
  const customer_t *customer = customer_find(worker, customer_id);
  if (!customer) {
    err->tag = FRONTGATE_PLUGIN_PLUGIN_TYPES_ERROR_NOT_FOUND;
    return false;
  }
  fill(customer, ret);
  return true;
}

bool exports_frontgate_plugin_crm_find_customer(plugin_string_t *address,
                                                exports_frontgate_plugin_crm_option_customer_t *ret,
                                                exports_frontgate_plugin_crm_error_t *err) {
  (void)err;
  const customer_t *customer = customer_by_address(address);
  ret->is_some = customer != NULL;
  if (customer) fill(customer, &ret->val);
  return true;
}

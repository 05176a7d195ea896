/* Role `routing`: assigns new conversations of customers to workers. */

#include "customers.h"

#include <stdlib.h>

bool exports_frontgate_plugin_routing_route(exports_frontgate_plugin_routing_inbound_conversation_t *conversation,
                                            exports_frontgate_plugin_routing_option_assignment_t *ret,
                                            exports_frontgate_plugin_routing_error_t *err) {
  (void)err;
  ret->is_some = true; /* false would leave it to the gateway's default worker */
  /* If another plugin has the role `crm`, call frontgate_plugin_directory_find_customer instead. */
  const customer_t *known = NULL;
  for (size_t i = 0; i < conversation->addresses.len && !known; i++)
    known = customer_by_address(&conversation->addresses.ptr[i]);
  if (known && known->worker) {
    ret->val.tag = EXPORTS_FRONTGATE_PLUGIN_ROUTING_ASSIGNMENT_WORKER;
    ret->val.val.worker = text("%s", known->worker);
    return true;
  }
  /* New customers are assigned round robin. */
  ret->val.tag = EXPORTS_FRONTGATE_PLUGIN_ROUTING_ASSIGNMENT_ONE_OF;
  ret->val.val.one_of.len = 2;
  ret->val.val.one_of.ptr = calloc(2, sizeof *ret->val.val.one_of.ptr);
  ret->val.val.one_of.ptr[0] = text("ana@example.org");
  ret->val.val.one_of.ptr[1] = text("ben@example.org");
  return true;
}

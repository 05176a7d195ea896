/* Role `outgoing`: selects the number that a new conversation is sent from. */

#include "customers.h"

bool exports_frontgate_plugin_outgoing_proxy_address(exports_frontgate_plugin_outgoing_outgoing_request_t *request,
                                                     plugin_string_t *ret,
                                                     exports_frontgate_plugin_outgoing_error_t *err) {
  if (!customer_find(&request->worker, &request->customer_id)) {
    err->tag = FRONTGATE_PLUGIN_PLUGIN_TYPES_ERROR_NOT_FOUND;
    return false;
  }
  /* The operator's setting `number`: [plugin.config] in plugin.toml, [plugins.named.NAME.config] in the gateway's
     configuration. */
  plugin_string_t key, number;
  plugin_string_set(&key, "number");
  if (!frontgate_plugin_settings_get(&key, &number)) plugin_string_set(&number, "+12025550199");

  if (is(&request->channel.kind, "sms")) {
    *ret = copy(&number);
    return true;
  }
  if (is(&request->channel.kind, "whatsapp")) {
    *ret = text("whatsapp:%.*s", SHOWN(number));
    return true;
  }
  err->tag = FRONTGATE_PLUGIN_PLUGIN_TYPES_ERROR_INVALID;
  err->val.invalid = text("no number for %.*s", SHOWN(request->channel.kind));
  return false;
}

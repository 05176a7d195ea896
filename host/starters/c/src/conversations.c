/* Role `conversations`: events of Twilio's conversations. */

#include "customers.h"

#include <string.h>

bool exports_frontgate_plugin_conversations_on_conversation_add(
    exports_frontgate_plugin_conversations_conversation_add_t *event,
    exports_frontgate_plugin_conversations_conversation_changes_t *ret,
    exports_frontgate_plugin_conversations_error_t *err) {
  (void)err;
  const customer_t *customer = NULL;
  for (size_t i = 0; i < event->addresses.len && !customer; i++)
    customer = customer_by_address(&event->addresses.ptr[i]);
  memset(ret, 0, sizeof *ret);
  if (customer) {
    ret->friendly_name.is_some = true;
    ret->friendly_name.val = text("%s", customer->name);
  }
  return true;
}

bool exports_frontgate_plugin_conversations_on_participant_added(
    exports_frontgate_plugin_conversations_participant_added_t *event,
    exports_frontgate_plugin_conversations_option_participant_changes_t *ret,
    exports_frontgate_plugin_conversations_error_t *err) {
  (void)err;
  const customer_t *customer = event->address.is_some ? customer_by_address(&event->address.val) : NULL;
  memset(ret, 0, sizeof *ret);
  if (customer) {
    ret->is_some = true;
    ret->val.customer_id = text("%s", customer->id);
    ret->val.display_name.is_some = true;
    ret->val.display_name.val = text("%s", customer->name);
  }
  return true;
}

bool exports_frontgate_plugin_conversations_on_message_add(
    exports_frontgate_plugin_conversations_message_add_t *event,
    exports_frontgate_plugin_conversations_message_verdict_t *ret,
    exports_frontgate_plugin_conversations_error_t *err) {
  (void)event, (void)err;
  /* Or ..._VERDICT_CHANGE with `ret->val.change`, or ..._VERDICT_REJECT with the reason in `ret->val.reject`. */
  ret->tag = EXPORTS_FRONTGATE_PLUGIN_CONVERSATIONS_MESSAGE_VERDICT_ACCEPT;
  return true;
}

bool exports_frontgate_plugin_conversations_on_event(exports_frontgate_plugin_conversations_other_event_t *event,
                                                     exports_frontgate_plugin_conversations_error_t *err) {
  (void)err;
  /* Never log customers' names, numbers or texts. */
  plugin_string_t line = text("%.*s occurred", SHOWN(event->event_type));
  frontgate_plugin_log_write(FRONTGATE_PLUGIN_LOG_LEVEL_DEBUG, &line);
  return true;
}

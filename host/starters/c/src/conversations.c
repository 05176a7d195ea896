/* Role `conversations`: events of Twilio's conversations. */

#include "customers.h"

#include <string.h>

bool exports_frontgate_plugin_conversations_on_conversation_add(
    exports_frontgate_plugin_conversations_conversation_add_t *event,
    exports_frontgate_plugin_conversations_conversation_verdict_t *ret,
    exports_frontgate_plugin_conversations_error_t *err) {
  (void)err;
  const customer_t *customer = NULL;
  for (size_t i = 0; i < event->addresses.len && !customer; i++)
    customer = customer_by_address(&event->addresses.ptr[i]);
  memset(ret, 0, sizeof *ret);
  /* Or ..._VERDICT_REJECT with the reason in `ret->val.reject`. */
  ret->tag = EXPORTS_FRONTGATE_PLUGIN_CONVERSATIONS_CONVERSATION_VERDICT_ACCEPT;
  if (customer) {
    ret->tag = EXPORTS_FRONTGATE_PLUGIN_CONVERSATIONS_CONVERSATION_VERDICT_CHANGE;
    ret->val.change.friendly_name.is_some = true;
    ret->val.change.friendly_name.val = text("%s", customer->name);
  }
  return true;
}

bool exports_frontgate_plugin_conversations_on_conversation_update(
    exports_frontgate_plugin_conversations_conversation_update_t *event,
    exports_frontgate_plugin_conversations_conversation_update_verdict_t *ret,
    exports_frontgate_plugin_conversations_error_t *err) {
  (void)event, (void)err;
  ret->tag = EXPORTS_FRONTGATE_PLUGIN_CONVERSATIONS_CONVERSATION_UPDATE_VERDICT_ACCEPT;
  return true;
}

/* Accepts an event. Or ..._VERDICT_REJECT with the reason in `ret->val.reject`. */
static bool accept(exports_frontgate_plugin_conversations_verdict_t *ret) {
  ret->tag = EXPORTS_FRONTGATE_PLUGIN_CONVERSATIONS_VERDICT_ACCEPT;
  return true;
}

bool exports_frontgate_plugin_conversations_on_conversation_remove(
    exports_frontgate_plugin_conversations_conversation_remove_t *event,
    exports_frontgate_plugin_conversations_verdict_t *ret,
    exports_frontgate_plugin_conversations_error_t *err) {
  (void)event, (void)err;
  return accept(ret);
}

bool exports_frontgate_plugin_conversations_on_participant_add(
    exports_frontgate_plugin_conversations_participant_add_t *event,
    exports_frontgate_plugin_conversations_verdict_t *ret,
    exports_frontgate_plugin_conversations_error_t *err) {
  (void)event, (void)err;
  return accept(ret);
}

bool exports_frontgate_plugin_conversations_on_participant_update(
    exports_frontgate_plugin_conversations_participant_update_t *event,
    exports_frontgate_plugin_conversations_verdict_t *ret,
    exports_frontgate_plugin_conversations_error_t *err) {
  (void)event, (void)err;
  return accept(ret);
}

bool exports_frontgate_plugin_conversations_on_participant_remove(
    exports_frontgate_plugin_conversations_participant_remove_t *event,
    exports_frontgate_plugin_conversations_verdict_t *ret,
    exports_frontgate_plugin_conversations_error_t *err) {
  (void)event, (void)err;
  return accept(ret);
}

bool exports_frontgate_plugin_conversations_on_message_remove(
    exports_frontgate_plugin_conversations_message_remove_t *event,
    exports_frontgate_plugin_conversations_verdict_t *ret,
    exports_frontgate_plugin_conversations_error_t *err) {
  (void)event, (void)err;
  return accept(ret);
}

bool exports_frontgate_plugin_conversations_on_user_update(
    exports_frontgate_plugin_conversations_user_update_t *event,
    exports_frontgate_plugin_conversations_verdict_t *ret,
    exports_frontgate_plugin_conversations_error_t *err) {
  (void)event, (void)err;
  return accept(ret);
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

bool exports_frontgate_plugin_conversations_on_message_update(
    exports_frontgate_plugin_conversations_message_update_t *event,
    exports_frontgate_plugin_conversations_message_verdict_t *ret,
    exports_frontgate_plugin_conversations_error_t *err) {
  (void)event, (void)err;
  /* Check the text here too: a message can be edited after it was sent. */
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

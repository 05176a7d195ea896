/* Role `channel`: messages between Front and a provider. This example has no provider: `send` only returns ids, and
   `receive` accepts a text with two headers. */

#include "text.h"

#include <stdlib.h>
#include <string.h>

bool exports_frontgate_plugin_channel_connect(exports_frontgate_plugin_channel_connection_t *connection,
                                              exports_frontgate_plugin_channel_error_t *err) {
  (void)err;
  /* Check the credential here, and register `webhook_url` with the provider. */
  plugin_string_t line = text("channel %.*s is connected", SHOWN(connection->channel_id));
  frontgate_plugin_log_write(FRONTGATE_PLUGIN_LOG_LEVEL_INFO, &line);
  return true;
}

bool exports_frontgate_plugin_channel_list_addresses(plugin_string_t *credential, plugin_string_t *page_token,
                                                     exports_frontgate_plugin_channel_address_page_t *ret,
                                                     exports_frontgate_plugin_channel_error_t *err) {
  (void)credential, (void)page_token, (void)err; /* NULL: no value */
  memset(ret, 0, sizeof *ret);
  ret->addresses.len = 1;
  ret->addresses.ptr = calloc(1, sizeof *ret->addresses.ptr);
  ret->addresses.ptr->value = text("+12025550199");
  ret->addresses.ptr->name.is_some = true;
  ret->addresses.ptr->name.val = text("Main number");
  return true;
}

bool exports_frontgate_plugin_channel_list_templates(exports_frontgate_plugin_channel_connection_t *connection,
                                                     plugin_string_t *page_token,
                                                     exports_frontgate_plugin_channel_template_page_t *ret,
                                                     exports_frontgate_plugin_channel_error_t *err) {
  (void)connection, (void)page_token, (void)err;
  /* Return the provider's approved messages, if it has any. Teammates can choose them in Front. */
  memset(ret, 0, sizeof *ret);
  return true;
}

bool exports_frontgate_plugin_channel_send(exports_frontgate_plugin_channel_connection_t *connection,
                                           exports_frontgate_plugin_channel_outbound_message_t *message,
                                           exports_frontgate_plugin_channel_send_receipt_t *ret,
                                           exports_frontgate_plugin_channel_error_t *err) {
  (void)connection;
  /* Call the provider's API here, with the idempotency key if it accepts one. `unavailable` is retried; every other
     error is final, and the teammate sees its text. */
  const plugin_string_t *conversation = message->conversation_ids.len ? message->conversation_ids.ptr
                                        : message->to.len             ? &message->to.ptr->handle
                                                                      : NULL;
  if (!conversation) {
    err->tag = FRONTGATE_PLUGIN_PLUGIN_TYPES_ERROR_INVALID;
    err->val.invalid = text("the message has no recipient");
    return false;
  }
  memset(ret, 0, sizeof *ret);
  ret->external_id.is_some = true;
  ret->external_id.val = text("sent-%.*s", SHOWN(message->idempotency_key));
  ret->external_conversation_id.is_some = true;
  ret->external_conversation_id.val = copy(conversation);
  return true;
}

bool exports_frontgate_plugin_channel_check_sent(exports_frontgate_plugin_channel_connection_t *connection,
                                                exports_frontgate_plugin_channel_outbound_message_t *message,
                                                exports_frontgate_plugin_channel_send_status_t *ret,
                                                exports_frontgate_plugin_channel_error_t *err) {
  (void)connection, (void)message, (void)err;
  /* Ask the provider whether it has the message. Otherwise the status is unknown. */
  ret->tag = EXPORTS_FRONTGATE_PLUGIN_CHANNEL_SEND_STATUS_UNKNOWN;
  return true;
}

static const plugin_string_t *header(const exports_frontgate_plugin_channel_http_request_t *request, const char *name) {
  for (size_t i = 0; i < request->headers.len; i++)
    if (is(&request->headers.ptr[i].name, name)) return &request->headers.ptr[i].value;
  return NULL;
}

bool exports_frontgate_plugin_channel_receive(exports_frontgate_plugin_channel_connection_t *connection,
                                              exports_frontgate_plugin_channel_http_request_t *request,
                                              exports_frontgate_plugin_channel_webhook_result_t *ret,
                                              exports_frontgate_plugin_channel_error_t *err) {
  (void)connection, (void)err;
  memset(ret, 0, sizeof *ret);
  /* First verify the provider's signature (`webhook-signatures`): anyone can send this request. */
  const plugin_string_t *id = header(request, "message-id"), *from = header(request, "from");
  if (!id || !from || !is_utf8(&request->body)) {
    ret->response.status = 400;
    return true;
  }
  ret->response.status = 204;
  ret->events.len = 1;
  ret->events.ptr = calloc(1, sizeof *ret->events.ptr);
  ret->events.ptr->tag = EXPORTS_FRONTGATE_PLUGIN_CHANNEL_CHANNEL_EVENT_INBOUND;
  exports_frontgate_plugin_channel_inbound_message_t *message = &ret->events.ptr->val.inbound;
  message->external_id = copy(id);
  message->external_conversation_id = copy(from);
  message->sender.handle = copy(from);
  /* Use plain for text that a person typed: Front shows it literally, never as HTML. */
  message->body.tag = EXPORTS_FRONTGATE_PLUGIN_CHANNEL_BODY_PLAIN;
  message->body.val.plain = copy(&(plugin_string_t){.ptr = request->body.ptr, .len = request->body.len});
  return true;
}

bool exports_frontgate_plugin_channel_disconnect(exports_frontgate_plugin_channel_connection_t *connection,
                                                 exports_frontgate_plugin_channel_error_t *err) {
  (void)connection, (void)err;
  return true;
}

bool exports_frontgate_plugin_channel_check(exports_frontgate_plugin_channel_connection_t *connection,
                                            exports_frontgate_plugin_channel_error_t *err) {
  (void)connection, (void)err;
  return true;
}

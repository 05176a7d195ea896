/* Role `calls`: writes an entry for each call to a CRM. */

#include "text.h"

#include <inttypes.h>
#include <stdlib.h>

/* Returns a string as JSON. */
static plugin_string_t quoted(const plugin_string_t *string) {
  static const char DIGITS[] = "0123456789abcdef";
  /* The longest escape is \u00XX. */
  uint8_t *made = malloc(6 * string->len + 2), *end = made;
  *end++ = '"';
  for (size_t i = 0; i < string->len; i++) {
    uint8_t byte = string->ptr[i];
    if (byte >= ' ' && byte != '"' && byte != '\\') {
      *end++ = byte;
      continue;
    }
    const uint8_t escape[] = {'\\', 'u', '0', '0', DIGITS[byte >> 4], DIGITS[byte & 15]};
    for (size_t j = 0; j < sizeof escape; j++) *end++ = escape[j];
  }
  *end++ = '"';
  return (plugin_string_t){.ptr = made, .len = end - made};
}

static plugin_string_t quoted_or_null(const plugin_option_string_t *string) {
  return string->is_some ? quoted(&string->val) : text("null");
}

/* Returns the call as JSON. A value that is not known is null. */
static plugin_string_t entry(const exports_frontgate_plugin_calls_call_t *call) {
  bool is_inbound = call->direction == EXPORTS_FRONTGATE_PLUGIN_CALLS_CALL_DIRECTION_INBOUND;
  plugin_string_t status = quoted(&call->status), worker = quoted_or_null(&call->worker);
  plugin_string_t customer = quoted_or_null(&call->customer_address);
  plugin_string_t started = call->started_at.is_some ? text("%" PRIu64, call->started_at.val) : text("null");
  plugin_string_t seconds =
      call->duration_seconds.is_some ? text("%" PRIu32, call->duration_seconds.val) : text("null");
  plugin_string_t recording = call->recording.is_some ? quoted_or_null(&call->recording.val.url) : text("null");
  return text("{\"direction\":\"%s\",\"status\":%.*s,\"worker\":%.*s,\"customer\":%.*s,"
              "\"started_at\":%.*s,\"seconds\":%.*s,\"recording\":%.*s}",
              is_inbound ? "inbound" : "outbound", SHOWN(status), SHOWN(worker), SHOWN(customer), SHOWN(started),
              SHOWN(seconds), SHOWN(recording));
}

static bool fail(exports_frontgate_plugin_calls_error_t *err, uint8_t tag, plugin_string_t words) {
  err->tag = tag;
  /* All errors with a text store it in the same place. */
  err->val.failed = words;
  return false;
}

bool exports_frontgate_plugin_calls_log_call(exports_frontgate_plugin_calls_call_t *call,
                                             exports_frontgate_plugin_calls_error_t *err) {
  /* The operator's setting `crm`: [plugin.config] in plugin.toml, [plugins.named.NAME.config] in the gateway's
     configuration. */
  plugin_string_t key = text("crm"), crm;
  if (!frontgate_plugin_settings_get(&key, &crm))
    return fail(err, FRONTGATE_PLUGIN_PLUGIN_TYPES_ERROR_FAILED, text("the setting `crm` is missing"));

  plugin_string_t body = entry(call);
  frontgate_plugin_http_client_header_t type = {text("content-type"), text("application/json")};
  /* After a failure the gateway calls again, and the entry may exist: PUT under the call's SID replaces it. A SID has
     only letters and digits. */
  frontgate_plugin_http_client_outbound_request_t put = {
      .method = text("PUT"),
      .url = text("%.*s/calls/%.*s", SHOWN(crm), SHOWN(call->call_sid)),
      .headers = {&type, 1},
      .body = {body.ptr, body.len},
  };
  frontgate_plugin_http_client_outbound_response_t answer;
  frontgate_plugin_http_client_http_error_t cause;
  if (!frontgate_plugin_http_client_send(&put, &answer, &cause)) {
    if (cause.tag == FRONTGATE_PLUGIN_HTTP_CLIENT_HTTP_ERROR_FORBIDDEN)
      return fail(err, FRONTGATE_PLUGIN_PLUGIN_TYPES_ERROR_FAILED, copy(&cause.val.forbidden));
    return fail(err, FRONTGATE_PLUGIN_PLUGIN_TYPES_ERROR_UNAVAILABLE, text("no answer from the CRM"));
  }
  if (answer.status >= 200 && answer.status < 300) return true;
  uint8_t tag = FRONTGATE_PLUGIN_PLUGIN_TYPES_ERROR_FAILED;
  if (answer.status == 429 || answer.status >= 500) tag = FRONTGATE_PLUGIN_PLUGIN_TYPES_ERROR_UNAVAILABLE;
  return fail(err, tag, text("the CRM answered %d", answer.status));
}

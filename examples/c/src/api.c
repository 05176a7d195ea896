#include "api.h"

#include <stdlib.h>
#include <string.h>

/* The timeout of one request. The app waits about five seconds for all of them. */
enum { PATIENCE_MS = 2000 };

text text_of(const crm_plugin_string_t *string) { return (text){(const char *)string->ptr, string->len}; }

void set(crm_plugin_string_t *string, text text) { crm_plugin_string_dup_n(string, text.ptr, text.len); }

/* Borrows a text as an argument of an import. */
static crm_plugin_string_t lent(text text) { return (crm_plugin_string_t){(uint8_t *)text.ptr, text.len}; }

bool fail(error *error, uint8_t tag, text words) {
  error->tag = tag;
  /* All errors with a text store it at the same place. */
  if (tag != NOT_FOUND) set(&error->val.failed, words);
  return false;
}

bool unreadable(error *error) { return fail(error, FAILED, TEXT("failed to parse the CRM's response")); }

static text joined(arena *arena, text one, text other) {
  line line = {.arena = arena};
  line_add(&line, one);
  line_add(&line, other);
  return line_text(&line);
}

/* Maps the reason why there is no response. */
static void unanswered(arena *arena, const frontgate_plugin_http_client_http_error_t *cause, error *error) {
  switch (cause->tag) {
  case FRONTGATE_PLUGIN_HTTP_CLIENT_HTTP_ERROR_TIMEOUT:
    fail(error, UNAVAILABLE, TEXT("the request to the CRM timed out"));
    break;
  case FRONTGATE_PLUGIN_HTTP_CLIENT_HTTP_ERROR_NOT_CONNECTED:
    fail(error, UNAVAILABLE, joined(arena, TEXT("failed to reach the CRM: "), text_of(&cause->val.not_connected)));
    break;
  case FRONTGATE_PLUGIN_HTTP_CLIENT_HTTP_ERROR_INTERRUPTED:
    fail(error, UNAVAILABLE,
         joined(arena, TEXT("the CRM's response was interrupted: "), text_of(&cause->val.interrupted)));
    break;
  case FRONTGATE_PLUGIN_HTTP_CLIENT_HTTP_ERROR_FORBIDDEN:
    fail(error, FAILED, text_of(&cause->val.forbidden));
    break;
  default:
    fail(error, FAILED, TEXT("the CRM's response is too large"));
  }
}

/* Returns the first header with this name, in lower case. */
static bool header(const frontgate_plugin_http_client_outbound_response_t *answer, text name, text *value) {
  for (size_t at = 0; at < answer->headers.len; at++) {
    const frontgate_plugin_http_client_header_t *field = &answer->headers.ptr[at];
    bool is_it = field->name.len == name.len;
    for (size_t c = 0; is_it && c < name.len; c++) {
      char letter = (char)field->name.ptr[c];
      is_it = (letter >= 'A' && letter <= 'Z' ? letter + 'a' - 'A' : letter) == name.ptr[c];
    }
    if (is_it) return *value = text_of(&field->value), true;
  }
  return false;
}

/* Distinguishes retryable errors, for the gateway and its operator. */
static void refused(arena *arena, const frontgate_plugin_http_client_outbound_response_t *answer, error *error) {
  line words = {.arena = arena};
  text retry_after;
  switch (answer->status) {
  case 400:
    fail(error, INVALID, TEXT("the CRM rejected the request (400)"));
    return;
  case 401:
  case 403:
    line_add(&words, TEXT("the CRM rejected the token ("));
    line_add_number(&words, answer->status);
    line_add(&words, TEXT(")"));
    fail(error, FAILED, line_text(&words));
    return;
  case 404:
    fail(error, NOT_FOUND, TEXT(""));
    return;
  case 429:
    line_add(&words, TEXT("too many requests to the CRM"));
    if (header(answer, TEXT("retry-after"), &retry_after)) {
      line_add(&words, TEXT(" (retry-after: "));
      line_add(&words, retry_after);
      line_add(&words, TEXT(")"));
    }
    fail(error, UNAVAILABLE, line_text(&words));
    return;
  default:
    line_add(&words, TEXT("the CRM returned "));
    line_add_number(&words, answer->status);
    fail(error, answer->status >= 500 ? UNAVAILABLE : FAILED, line_text(&words));
  }
}

static bool send(arena *arena, text url, frontgate_plugin_http_client_outbound_response_t *answer, error *error) {
  frontgate_plugin_http_client_header_t accept = {lent(TEXT("accept")), lent(TEXT("application/json"))};
  frontgate_plugin_http_client_outbound_request_t request = {
      .method = lent(TEXT("GET")),
      .url = lent(url),
      .headers = {&accept, 1},
      .timeout_ms = {true, PATIENCE_MS},
  };
  frontgate_plugin_http_client_http_error_t cause;
  if (frontgate_plugin_http_client_send(&request, answer, &cause)) return true;
  unanswered(arena, &cause, error);
  frontgate_plugin_http_client_http_error_free(&cause);
  return false;
}

const json *api_read(arena *arena, text path, error *why) {
  crm_plugin_string_t key = lent(TEXT("crm")), crm;
  if (!frontgate_plugin_settings_get(&key, &crm)) {
    fail(why, FAILED, TEXT("the setting `crm` is missing: the CRM's address"));
    return NULL;
  }
  while (crm.len > 0 && crm.ptr[crm.len - 1] == '/') crm.len--;
  text url = joined(arena, text_of(&crm), path);
  crm_plugin_string_free(&crm);

  frontgate_plugin_http_client_outbound_response_t answer;
  if (!send(arena, url, &answer, why)) return NULL;
  const json *read = NULL;
  if (answer.status == 200) {
    read = json_parse(arena, (text){(const char *)answer.body.ptr, answer.body.len});
    if (read == NULL) unreadable(why);
  } else {
    refused(arena, &answer, why);
  }
  frontgate_plugin_http_client_outbound_response_free(&answer);
  return read;
}

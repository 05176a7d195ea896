/* Role `crm-source`: reports the customers of a CRM for the gateway's index. */

#include "crm_source_json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

typedef exports_frontgate_plugin_crm_source_source_customer_t source_customer_t;
typedef exports_frontgate_plugin_crm_source_list_source_customer_t source_customers_t;
typedef exports_frontgate_plugin_crm_source_error_t error_t;
typedef frontgate_plugin_http_client_outbound_response_t response_t;

/* The place in a run, stored as `1:SINCE:STARTED:AFTER`. The first number is the version of this format. */
typedef struct {
  /* The run reads what changed at this time or later. 0: everything. */
  uint64_t since;
  /* The CRM's time at the beginning of the run, where the next run starts. 0: the run has not begun. */
  uint64_t started;
  /* The id of the last customer that was read. */
  plugin_string_t after;
} cursor_t;

static bool fail(error_t *err, uint8_t tag, plugin_string_t words) {
  err->tag = tag;
  /* All errors with a text store it in the same place. */
  err->val.failed = words;
  return false;
}

/* Reads digits and a colon. */
static bool number(const uint8_t **at, const uint8_t *end, uint64_t *number) {
  const uint8_t *start = *at;
  *number = 0;
  while (*at < end && **at >= '0' && **at <= '9') *number = *number * 10 + (*(*at)++ - '0');
  return *at > start && *at - start < 20 && *at < end && *(*at)++ == ':';
}

static bool read_cursor(const plugin_list_u8_t *bytes, cursor_t *cursor) {
  const uint8_t *at = bytes->ptr, *end = at + bytes->len;
  uint64_t version;
  if (!is_utf8(bytes) || !number(&at, end, &version) || version != 1) return false;
  if (!number(&at, end, &cursor->since) || !number(&at, end, &cursor->started)) return false;
  cursor->after = (plugin_string_t){.ptr = (uint8_t *)at, .len = end - at};
  return true;
}

/* Returns a value of a query, escaped. */
static plugin_string_t escaped(const plugin_string_t *value) {
  static const char DIGITS[] = "0123456789ABCDEF";
  plugin_string_t made = {.ptr = malloc(3 * value->len + 1), .len = 0};
  for (size_t i = 0; i < value->len; i++) {
    uint8_t byte = value->ptr[i], lower = byte | 0x20;
    bool is_plain = (lower >= 'a' && lower <= 'z') || (byte >= '0' && byte <= '9') || (byte && strchr("-._~", byte));
    if (is_plain) {
      made.ptr[made.len++] = byte;
      continue;
    }
    const uint8_t escape[] = {'%', DIGITS[byte >> 4], DIGITS[byte & 15]};
    memcpy(made.ptr + made.len, escape, sizeof escape);
    made.len += sizeof escape;
  }
  return made;
}

/* Requests customers. */
static bool get(plugin_string_t query, response_t *response, error_t *err) {
  /* The operator's setting `crm`: [plugin.config] in plugin.toml, [plugins.named.NAME.config] in the gateway's
     configuration. */
  plugin_string_t key = text("crm"), crm;
  if (!frontgate_plugin_settings_get(&key, &crm))
    return fail(err, FRONTGATE_PLUGIN_PLUGIN_TYPES_ERROR_FAILED, text("the setting `crm` is missing"));
  frontgate_plugin_http_client_outbound_request_t request = {
      .method = text("GET"),
      .url = text("%.*s/customers?%.*s", SHOWN(crm), SHOWN(query)),
  };
  frontgate_plugin_http_client_http_error_t cause;
  if (frontgate_plugin_http_client_send(&request, response, &cause)) return true;
  if (cause.tag == FRONTGATE_PLUGIN_HTTP_CLIENT_HTTP_ERROR_FORBIDDEN)
    return fail(err, FRONTGATE_PLUGIN_PLUGIN_TYPES_ERROR_FAILED, copy(&cause.val.forbidden));
  return fail(err, FRONTGATE_PLUGIN_PLUGIN_TYPES_ERROR_UNAVAILABLE, text("no answer from the CRM"));
}

static bool fill(json_t entry, source_customer_t *ret) {
  json_t value;
  plugin_string_t string;
  memset(ret, 0, sizeof *ret);
  if (!json_field(entry, "id", &value) || !json_string(value, &ret->customer.customer_id)) return false;
  if (!json_field(entry, "name", &value) || !json_string(value, &ret->customer.display_name)) return false;
  if (!json_field(entry, "updated_at", &value) || !json_u64(value, &ret->version.val)) return false;
  ret->version.is_some = ret->is_complete = true;
  if (json_field(entry, "phone", &value) && json_string(value, &string)) {
    ret->customer.channels.ptr = calloc(1, sizeof *ret->customer.channels.ptr);
    ret->customer.channels.len = 1;
    ret->customer.channels.ptr->kind = text("sms");
    ret->customer.channels.ptr->value = string;
  }
  if (json_field(entry, "email", &value) && json_string(value, &string)) {
    ret->emails.ptr = malloc(sizeof *ret->emails.ptr);
    ret->emails.len = 1;
    *ret->emails.ptr = string;
  }
  ret->company.is_some = json_field(entry, "company", &value) && json_string(value, &ret->company.val);
  /* A worker sees their own customers and those without an owner. */
  ret->seen_by.tag = EXPORTS_FRONTGATE_PLUGIN_CRM_SOURCE_VISIBILITY_EVERYONE;
  if (json_field(entry, "owner", &value) && json_string(value, &string)) {
    ret->customer.worker.is_some = true;
    ret->customer.worker.val = string;
    ret->seen_by.tag = EXPORTS_FRONTGATE_PLUGIN_CRM_SOURCE_VISIBILITY_ONLY;
    ret->seen_by.val.only.ptr = calloc(1, sizeof *ret->seen_by.val.only.ptr);
    ret->seen_by.val.only.len = 1;
    ret->seen_by.val.only.ptr->tag = EXPORTS_FRONTGATE_PLUGIN_CRM_SOURCE_AUDIENCE_WORKER;
    ret->seen_by.val.only.ptr->val.worker = copy(&string);
  }
  return true;
}

/* Reads the CRM's answer: customers in the order of their ids, and the CRM's time. */
static bool read_page(const response_t *response, source_customers_t *customers, uint64_t *now, error_t *err) {
  if (response->status == 429 || response->status >= 500)
    return fail(err, FRONTGATE_PLUGIN_PLUGIN_TYPES_ERROR_UNAVAILABLE, text("the CRM answered %d", response->status));
  if (response->status < 200 || response->status >= 300)
    return fail(err, FRONTGATE_PLUGIN_PLUGIN_TYPES_ERROR_FAILED, text("the CRM answered %d", response->status));
  json_t all = {response->body.ptr, response->body.ptr + response->body.len}, list = {0}, value;
  bool is_page = json_is_valid(&response->body) && json_field(all, "now", &value) && json_u64(value, now) &&
                 json_field(all, "customers", &value) && json_list(value, &list);
  size_t count = 0;
  for (json_t rest = list; is_page && json_next(&rest, &value);) count++;
  *customers = (source_customers_t){.ptr = calloc(count + 1, sizeof *customers->ptr), .len = count};
  for (size_t i = 0; is_page && i < count; i++) is_page = json_next(&list, &value) && fill(value, &customers->ptr[i]);
  if (is_page) return true;
  return fail(err, FRONTGATE_PLUGIN_PLUGIN_TYPES_ERROR_FAILED, text("the CRM's answer is not what it should be"));
}

/* Returns the time in `Retry-After`, or a second. */
static uint32_t wait_ms(const response_t *response) {
  for (size_t i = 0; i < response->headers.len; i++) {
    const frontgate_plugin_http_client_header_t *header = &response->headers.ptr[i];
    if (header->name.len != strlen("retry-after") || !contains("retry-after", &header->name)) continue;
    int seconds = atoi((const char *)text("%.*s", SHOWN(header->value)).ptr);
    if (seconds > 0 && seconds < 1000000) return seconds * 1000;
  }
  return 1000;
}

bool exports_frontgate_plugin_crm_source_facts(exports_frontgate_plugin_crm_source_source_facts_t *ret, error_t *err) {
  (void)err;
  /* This CRM does not report removed customers: the gateway finds them when it enumerates all customers. */
  *ret = (exports_frontgate_plugin_crm_source_source_facts_t){
      .is_incremental = true,
      .reports_visibility = true,
      .batch_size = 100,
      .requests_per_call = 1,
  };
  return true;
}

bool exports_frontgate_plugin_crm_source_changes(plugin_list_u8_t *since, uint32_t limit,
                                                 exports_frontgate_plugin_crm_source_change_answer_t *ret,
                                                 error_t *err) {
  cursor_t cursor = {0};
  memset(ret, 0, sizeof *ret);
  if (since && !read_cursor(since, &cursor)) {
    ret->tag = EXPORTS_FRONTGATE_PLUGIN_CRM_SOURCE_CHANGE_ANSWER_CURSOR_EXPIRED;
    return true;
  }
  plugin_string_t after = escaped(&cursor.after);
  response_t response;
  if (!get(text("updated_since=%" PRIu64 "&after_id=%.*s&limit=%" PRIu32, cursor.since, SHOWN(after), limit), &response,
           err))
    return false;
  if (response.status == 429) {
    ret->tag = EXPORTS_FRONTGATE_PLUGIN_CRM_SOURCE_CHANGE_ANSWER_BUSY;
    ret->val.busy = wait_ms(&response);
    return true;
  }
  uint64_t now;
  source_customers_t customers;
  if (!read_page(&response, &customers, &now, err)) return false;
  uint64_t started = cursor.started ? cursor.started : now;
  bool has_more = customers.len > 0 && customers.len >= limit;
  /* A run that has ended is followed by one that reads what changed since it began. */
  plugin_string_t next = text("1:%" PRIu64 ":0:", started);
  if (has_more)
    next = text("1:%" PRIu64 ":%" PRIu64 ":%.*s", cursor.since, started,
                SHOWN(customers.ptr[customers.len - 1].customer.customer_id));
  ret->tag = EXPORTS_FRONTGATE_PLUGIN_CRM_SOURCE_CHANGE_ANSWER_BATCH;
  ret->val.batch.upserts = customers;
  ret->val.batch.next = (plugin_list_u8_t){.ptr = next.ptr, .len = next.len};
  ret->val.batch.has_more = has_more;
  return true;
}

bool exports_frontgate_plugin_crm_source_fetch(plugin_list_string_t *ids, source_customers_t *ret, error_t *err) {
  plugin_string_t query = text("ids=");
  for (size_t i = 0; i < ids->len; i++) {
    plugin_string_t id = escaped(&ids->ptr[i]);
    query = text("%.*s%s%.*s", SHOWN(query), i == 0 ? "" : ",", SHOWN(id));
  }
  response_t response;
  uint64_t now;
  return get(query, &response, err) && read_page(&response, ret, &now, err);
}

bool exports_frontgate_plugin_crm_source_notified(exports_frontgate_plugin_crm_source_notification_t *notification,
                                                  exports_frontgate_plugin_crm_source_notification_answer_t *ret,
                                                  error_t *err) {
  (void)notification;
  (void)err;
  /* This CRM has no webhooks. One that has them: verify the signature before anything else. */
  *ret = (exports_frontgate_plugin_crm_source_notification_answer_t){
      .status = 404,
      .body = text("%s", ""),
      .news = {.tag = EXPORTS_FRONTGATE_PLUGIN_CRM_SOURCE_NEWS_NONE},
  };
  return true;
}

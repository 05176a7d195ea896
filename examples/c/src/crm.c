/* Customers from a CRM over HTTP. Workers see the contacts that they own in the CRM. */

#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "contact.h"

/* The CRM's maximum page size. */
enum { LIMIT_MAX = 50 };
/* The maximum lengths of a search text and of an id, in characters. */
enum { QUERY_MAX = 200, ID_MAX = 40 };
/* The CRM's pages are smaller than the app's. A call reads at most this many of them; the next call continues there. */
enum { PAGES_MAX = 10 };

typedef exports_frontgate_plugin_crm_list_request_t list_request;
typedef exports_frontgate_plugin_crm_customer_page_t customer_page;
typedef exports_frontgate_plugin_crm_option_customer_t option_customer;
typedef frontgate_plugin_plugin_types_customer_t customer;

static bool read_page(arena *arena, text path, const json **contacts, maybe_text *cursor, error *error) {
  const json *page = api_read(arena, path, error);
  if (page == NULL) {
    return error->tag == NOT_FOUND ? fail(error, FAILED, TEXT("the CRM returned 404")) : false;
  }
  *contacts = json_member(page, TEXT("contacts"));
  if (*contacts == NULL || (*contacts)->kind != JSON_ARRAY) return unreadable(error);
  return maybe_text_read(cursor, page, TEXT("next_cursor")) || unreadable(error);
}

static void add_parameter(line *path, text name, text value) {
  line_add(path, name);
  line_add_escaped(path, value);
}

/* Reads the CRM's page at a cursor, or at the request's position. */
static text path_of(arena *arena, const list_request *request, size_t limit, const maybe_text *cursor) {
  line path = {.arena = arena};
  add_parameter(&path, TEXT("/contacts?owner="), text_of(&request->worker));
  if (request->query.is_some) add_parameter(&path, TEXT("&q="), text_of(&request->query.val));
  line_add(&path, TEXT("&limit="));
  line_add_number(&path, limit < LIMIT_MAX ? limit : LIMIT_MAX);
  if (cursor->is_known) {
    add_parameter(&path, TEXT("&cursor="), cursor->text);
  } else if (request->position.tag == EXPORTS_FRONTGATE_PLUGIN_CRM_POSITION_AFTER) {
    add_parameter(&path, TEXT("&after="), text_of(&request->position.val.after));
  }
  return line_text(&path);
}

/* Appends rows to a page, and grows it. */
static bool add_rows(customer_page *page, const json *contacts, error *error) {
  size_t more = 0;
  for (const json *each = contacts->first; each != NULL; each = each->next) more++;
  if (more == 0) return true;
  size_t bytes = (page->customers.len + more) * sizeof *page->customers.ptr;
  page->customers.ptr = realloc(page->customers.ptr, bytes);
  if (page->customers.ptr == NULL) abort();
  for (const json *each = contacts->first; each != NULL; each = each->next) {
    contact contact;
    if (!contact_read(&contact, each)) return unreadable(error);
    contact_summary(&contact, &page->customers.ptr[page->customers.len++]);
  }
  return true;
}

static bool list(arena *arena, const list_request *request, customer_page *page, error *error) {
  if (request->query.is_some && text_characters(text_of(&request->query.val)) > QUERY_MAX) {
    return fail(error, INVALID, TEXT("the CRM accepts at most 200 characters"));
  }
  maybe_text cursor = {0};
  if (request->position.tag == EXPORTS_FRONTGATE_PLUGIN_CRM_POSITION_TOKEN) {
    cursor = (maybe_text){true, text_of(&request->position.val.token)};
  }
  for (int pages = 0; pages < PAGES_MAX && page->customers.len < request->page_size; pages++) {
    size_t missing = request->page_size - page->customers.len;
    const json *contacts;
    if (!read_page(arena, path_of(arena, request, missing, &cursor), &contacts, &cursor, error)) return false;
    if (!add_rows(page, contacts, error)) return false;
    if (!cursor.is_known) return true;
  }
  page->next_page_token.is_some = cursor.is_known;
  if (cursor.is_known) set(&page->next_page_token.val, cursor.text);
  return true;
}

bool exports_frontgate_plugin_crm_list_customers(list_request *request, customer_page *ret, error *err) {
  arena arena = {0};
  *ret = (customer_page){0};
  bool is_ok = list(&arena, request, ret, err);
  if (!is_ok) {
    for (size_t at = 0; at < ret->customers.len; at++) {
      frontgate_plugin_plugin_types_customer_summary_free(&ret->customers.ptr[at]);
    }
    free(ret->customers.ptr);
  }
  arena_free(&arena);
  exports_frontgate_plugin_crm_list_request_free(request);
  return is_ok;
}

/* Other ids could lead to another path of the API. */
static bool is_id(text id) {
  for (size_t at = 0; at < id.len; at++) {
    char c = id.ptr[at];
    bool is_letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    if (!is_letter && !(c >= '0' && c <= '9') && c != '-') return false;
  }
  return id.len > 0 && id.len <= ID_MAX;
}

static bool get(arena *arena, text worker, text id, customer *ret, error *error) {
  if (!is_id(id)) return fail(error, NOT_FOUND, TEXT(""));
  line path = {.arena = arena};
  line_add(&path, TEXT("/contacts/"));
  line_add(&path, id);
  const json *json = api_read(arena, line_text(&path), error);
  contact contact;
  if (json == NULL) return false;
  if (!contact_read(&contact, json)) return unreadable(error);
  /* The CRM returns every contact, so the plugin must check the owner. */
  if (!contact.owner.is_known || !text_is(contact.owner.text, worker)) return fail(error, NOT_FOUND, TEXT(""));
  contact_customer(arena, &contact, ret);
  return true;
}

bool exports_frontgate_plugin_crm_get_customer(crm_plugin_string_t *worker, crm_plugin_string_t *customer_id,
                                               customer *ret, error *err) {
  arena arena = {0};
  bool is_ok = get(&arena, text_of(worker), text_of(customer_id), ret, err);
  arena_free(&arena);
  crm_plugin_string_free(worker);
  crm_plugin_string_free(customer_id);
  return is_ok;
}

static bool find(arena *arena, text address, option_customer *ret, error *error) {
  text prefix = TEXT("whatsapp:");
  text number = address;
  if (address.len >= prefix.len && memcmp(address.ptr, prefix.ptr, prefix.len) == 0) {
    number = (text){address.ptr + prefix.len, address.len - prefix.len};
  }
  if (!is_e164(number)) return true;
  line path = {.arena = arena};
  add_parameter(&path, TEXT("/contacts?phone="), number);
  line_add(&path, TEXT("&limit=1"));
  const json *contacts;
  maybe_text cursor;
  contact first;
  if (!read_page(arena, line_text(&path), &contacts, &cursor, error)) return false;
  if (contacts->first == NULL) return true;
  if (!contact_read(&first, contacts->first)) return unreadable(error);
  ret->is_some = true;
  contact_customer(arena, &first, &ret->val);
  return true;
}

bool exports_frontgate_plugin_crm_find_customer(crm_plugin_string_t *address, option_customer *ret, error *err) {
  arena arena = {0};
  *ret = (option_customer){0};
  bool is_ok = find(&arena, text_of(address), ret, err);
  arena_free(&arena);
  crm_plugin_string_free(address);
  return is_ok;
}

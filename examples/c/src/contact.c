#include "contact.h"

#include <stdlib.h>

static bool is_string(const json *json) { return json != NULL && json->kind == JSON_STRING; }

bool maybe_text_read(maybe_text *maybe, const json *object, text name) {
  const json *value = json_member(object, name);
  *maybe = (maybe_text){0};
  if (value == NULL || value->kind == JSON_NULL) return true;
  *maybe = (maybe_text){true, value->text};
  return value->kind == JSON_STRING;
}

static bool phones_are_readable(const json *phones) {
  if (phones == NULL || phones->kind != JSON_ARRAY) return false;
  for (const json *phone = phones->first; phone != NULL; phone = phone->next) {
    const json *whatsapp = json_member(phone, TEXT("whatsapp"));
    if (!is_string(json_member(phone, TEXT("number")))) return false;
    if (whatsapp == NULL || (whatsapp->kind != JSON_TRUE && whatsapp->kind != JSON_FALSE)) return false;
  }
  return true;
}

bool contact_read(contact *contact, const json *json) {
  if (!is_string(json_member(json, TEXT("id")))) return false;
  contact->id = json_member(json, TEXT("id"))->text;
  contact->phones = json_member(json, TEXT("phones"));
  return phones_are_readable(contact->phones) && maybe_text_read(&contact->name, json, TEXT("name")) &&
         maybe_text_read(&contact->company, json, TEXT("company")) &&
         maybe_text_read(&contact->email, json, TEXT("email")) &&
         maybe_text_read(&contact->owner, json, TEXT("owner")) &&
         maybe_text_read(&contact->avatar_url, json, TEXT("avatar_url")) &&
         maybe_text_read(&contact->notes, json, TEXT("notes")) && maybe_text_read(&contact->url, json, TEXT("url"));
}

bool is_e164(text number) {
  if (number.len < 8 || number.len > 16 || number.ptr[0] != '+' || number.ptr[1] == '0') return false;
  for (size_t at = 1; at < number.len; at++) {
    if (number.ptr[at] < '0' || number.ptr[at] > '9') return false;
  }
  return true;
}

static void set_maybe(crm_plugin_option_string_t *option, maybe_text maybe) {
  option->is_some = maybe.is_known;
  if (maybe.is_known) set(&option->val, maybe.text);
}

/* Some contacts are companies, without a person. */
static text shown_name(const contact *contact) {
  if (contact->name.is_known) return contact->name.text;
  return contact->company.is_known ? contact->company.text : contact->id;
}

void contact_summary(const contact *contact, frontgate_plugin_plugin_types_customer_summary_t *row) {
  set(&row->customer_id, contact->id);
  set(&row->display_name, shown_name(contact));
  set_maybe(&row->avatar, contact->avatar_url);
}

/* Allocates a part of the result, which the bindings free. */
static void *allocated(size_t count, size_t size) {
  void *memory = calloc(count > 0 ? count : 1, size);
  if (memory == NULL) abort();
  return memory;
}

static void add_channel(frontgate_plugin_plugin_types_list_contact_channel_t *channels, text kind, text value) {
  frontgate_plugin_plugin_types_contact_channel_t *channel = &channels->ptr[channels->len++];
  set(&channel->kind, kind);
  set(&channel->value, value);
}

static void add_link(frontgate_plugin_plugin_types_list_link_t *links, text kind, text value, text name) {
  frontgate_plugin_plugin_types_link_t *link = &links->ptr[links->len++];
  set(&link->kind, kind);
  set(&link->value, value);
  set(&link->display_name, name);
}

static void add_channels(arena *arena, const json *phones,
                         frontgate_plugin_plugin_types_list_contact_channel_t *channels) {
  size_t count = 0, odd = 0;
  for (const json *phone = phones->first; phone != NULL; phone = phone->next) count++;
  channels->ptr = allocated(2 * count, sizeof *channels->ptr);
  for (const json *phone = phones->first; phone != NULL; phone = phone->next) {
    text number = json_member(phone, TEXT("number"))->text;
    if (!is_e164(number)) {
      odd++;
      continue;
    }
    add_channel(channels, TEXT("sms"), number);
    if (json_member(phone, TEXT("whatsapp"))->kind == JSON_TRUE) {
      line address = {.arena = arena};
      line_add(&address, TEXT("whatsapp:"));
      line_add(&address, number);
      add_channel(channels, TEXT("whatsapp"), line_text(&address));
    }
  }
  if (odd == 0) return;
  line words = {.arena = arena};
  line_add(&words, TEXT("omitted phone numbers that are not in E.164: "));
  line_add_number(&words, odd);
  crm_plugin_string_t message = {(uint8_t *)words.ptr, words.len};
  frontgate_plugin_log_write(FRONTGATE_PLUGIN_LOG_LEVEL_WARN, &message);
}

void contact_customer(arena *arena, const contact *contact, frontgate_plugin_plugin_types_customer_t *customer) {
  *customer = (frontgate_plugin_plugin_types_customer_t){0};
  set(&customer->customer_id, contact->id);
  set(&customer->display_name, shown_name(contact));
  set_maybe(&customer->avatar, contact->avatar_url);
  add_channels(arena, contact->phones, &customer->channels);
  customer->links.ptr = allocated(2, sizeof *customer->links.ptr);
  if (contact->url.is_known) {
    add_link(&customer->links, TEXT("CRM"), contact->url.text, TEXT("Open in the CRM"));
  }
  if (contact->email.is_known) {
    line address = {.arena = arena};
    line_add(&address, TEXT("mailto:"));
    line_add(&address, contact->email.text);
    add_link(&customer->links, TEXT("Mail"), line_text(&address), contact->email.text);
  }
  if (contact->notes.is_known) {
    customer->details.is_some = true;
    set(&customer->details.val.title, TEXT("Notes"));
    set(&customer->details.val.content, contact->notes.text);
  }
  set_maybe(&customer->worker, contact->owner);
}

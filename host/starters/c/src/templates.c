/* Role `templates`: texts that a worker can send, without placeholders. */

#include "customers.h"

#include <stdlib.h>

bool exports_frontgate_plugin_templates_list_templates(exports_frontgate_plugin_templates_template_request_t *request,
                                                       exports_frontgate_plugin_templates_list_category_t *ret,
                                                       exports_frontgate_plugin_templates_error_t *err) {
  const char *name = "there";
  if (request->customer_id.is_some) {
    /* If another plugin has the role `crm`, call frontgate_plugin_directory_get_customer instead. */
    const customer_t *customer = customer_find(&request->worker, &request->customer_id.val);
    if (!customer) {
      err->tag = FRONTGATE_PLUGIN_PLUGIN_TYPES_ERROR_NOT_FOUND;
      return false;
    }
    name = customer->name;
  }

  ret->len = 2;
  ret->ptr = calloc(ret->len, sizeof *ret->ptr);

  exports_frontgate_plugin_templates_category_t *greetings = &ret->ptr[0];
  greetings->display_name = text("Greetings");
  greetings->templates.len = 2;
  greetings->templates.ptr = calloc(2, sizeof *greetings->templates.ptr);
  /* On WhatsApp a business can start a conversation only with approved texts. */
  greetings->templates.ptr[0].content = text("Hello %s, how can we help you today?", name);
  greetings->templates.ptr[0].whatsapp_approved = true;
  greetings->templates.ptr[1].content = text("Good to hear from you, %s!", name);

  exports_frontgate_plugin_templates_category_t *appointments = &ret->ptr[1];
  appointments->display_name = text("Appointments");
  appointments->templates.len = 1;
  appointments->templates.ptr = calloc(1, sizeof *appointments->templates.ptr);
  appointments->templates.ptr[0].content = text("Your appointment is confirmed.");
  appointments->templates.ptr[0].whatsapp_approved = true;
  return true;
}

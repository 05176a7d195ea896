"""Role `templates`: texts that a worker can send, without placeholders."""

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports.templates import Category, Template
from wit_world.imports.plugin_types import Error_NotFound

import customers


class Templates(exports.Templates):
    def list_templates(self, request):
        name = "there"
        if request.customer_id is not None:
            # If another plugin has the role `crm`, call `wit_world.imports.directory` instead.
            customer = customers.find(request.worker, request.customer_id)
            if customer is None:
                raise Err(Error_NotFound())
            name = customer.display_name
        greetings = [
            # On WhatsApp a business can start a conversation only with approved texts.
            Template(f"Hello {name}, how can we help you today?", whatsapp_approved=True),
            Template(f"Good to hear from you, {name}!", whatsapp_approved=False),
        ]
        appointments = [Template("Your appointment is confirmed.", whatsapp_approved=True)]
        return [Category("Greetings", greetings), Category("Appointments", appointments)]

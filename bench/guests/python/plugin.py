"""The plugin that the bench measures, in Python."""

from wit_world.exports import Crm as Role
from wit_world.exports.crm import CustomerPage
from wit_world.imports.plugin_types import ContactChannel, Customer, CustomerSummary

FIRST = ["Ada", "Boris", "Chen", "Dora", "Emil", "Farah", "Gus", "Hana", "Ivo", "Jun"]
LAST = ["Adler", "Brown", "Costa", "Diaz", "Evans", "Fischer", "Garcia", "Haas", "Ito", "Jansen"]


def customer(number):
    phone = f"+1202555{number:04}"
    channels = [ContactChannel("whatsapp", f"whatsapp:{phone}"), ContactChannel("sms", phone)]
    name = f"{FIRST[number % 10]} {LAST[number // 10 % 10]}"
    return Customer(str(number), name, None, channels, [], None, None)


class Crm(Role):
    def list_customers(self, request):
        count = 0 if request.worker == "nobody@example.org" else request.page_size
        rows = [customer(number) for number in range(count)]
        return CustomerPage([CustomerSummary(row.customer_id, row.display_name, row.avatar) for row in rows], None)

    def get_customer(self, worker, customer_id):
        return customer(int(customer_id))

    def find_customer(self, address):
        return None

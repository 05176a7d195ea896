"""A few made-up customers. Yours come from your own system: `wit_world.imports.http_client` asks it, once the operator
has granted its address (`outbound` in plugin.toml)."""

from wit_world.imports.plugin_types import ContactChannel, Customer, Details, Link


def customer(customer_id, name, account, worker, *channels):
    link = Link("CRM", f"https://crm.example.com/customers/{customer_id}", "Open in CRM")
    return Customer(customer_id, name, None, list(channels), [link], Details("Account", account), worker)


def sms(number):
    return ContactChannel("sms", number)


def whatsapp(number):
    return ContactChannel("whatsapp", f"whatsapp:{number}")


# In the order in which the app shows them. Ids never change; that of a customer who was shown must be found.
ALL = [
    customer(
        "c-001",
        "Kateřina Sharma",
        "Tier: silver\nSince: 2022",
        "ana@example.org",
        sms("+12125550143"),
        whatsapp("+12125550143"),
    ),
    customer("c-002", "Mora Lind", "Tier: gold\nSince: 2019", "ana@example.org", sms("+12025550107")),
    customer("c-003", "Bjørn Aas", "Tier: gold\nSince: 2021", "ben@example.org", sms("+12025550108")),
    customer("c-004", "Zoë Marín", "Tier: new\nSince: 2025", None, whatsapp("+12025550109")),
    customer("c-005", "李娜", "Tier: silver\nSince: 2023", "ana@example.org", sms("+12025550110")),
]


def visible_to(worker):
    """A worker sees customers of their own, and those of nobody."""
    return [customer for customer in ALL if customer.worker in (None, worker)]


def find(worker, customer_id):
    """One that this worker may see, or None."""
    return next((customer for customer in visible_to(worker) if customer.customer_id == customer_id), None)


def by_address(address):
    """The one behind +12025550107 or whatsapp:+12025550107, or None."""
    number = address.removeprefix("whatsapp:")
    for customer in ALL:
        if any(channel.value.removeprefix("whatsapp:") == number for channel in customer.channels):
            return customer
    return None

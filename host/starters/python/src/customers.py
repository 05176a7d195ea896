"""Sample customers. Replace them with requests to your own system: `wit_world.imports.http_client` sends them, after
the operator has granted the host (`outbound` in plugin.toml)."""

from wit_world.imports.plugin_types import ContactChannel, Customer, Details, Link


def customer(customer_id, name, account, worker, *channels):
    link = Link("CRM", f"https://crm.example.com/customers/{customer_id}", "Open in CRM")
    return Customer(customer_id, name, None, list(channels), [link], Details("Account", account), worker)


def sms(number):
    return ContactChannel("sms", number)


def whatsapp(number):
    return ContactChannel("whatsapp", f"whatsapp:{number}")


# In display order. Ids must be stable: the gateway may request any customer that was listed.
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
    """A worker sees their own customers and those without an owner."""
    return [customer for customer in ALL if customer.worker in (None, worker)]


def find(worker, customer_id):
    """Returns a customer that this worker may see, or None."""
    return next((customer for customer in visible_to(worker) if customer.customer_id == customer_id), None)


def by_address(address):
    """Returns the customer with the address +12025550107 or whatsapp:+12025550107, or None."""
    number = address.removeprefix("whatsapp:")
    for customer in ALL:
        if any(channel.value.removeprefix("whatsapp:") == number for channel in customer.channels):
            return customer
    return None

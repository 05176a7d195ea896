//! Sample customers. Replace them with requests to your own system: `frontgate_sdk::http` sends them, after the
//! operator has granted the host (`outbound` in plugin.toml).

use frontgate_sdk::Customer;

/// In display order. Ids must be stable: the gateway may request any customer that was listed.
pub fn all() -> Vec<Customer> {
    vec![
        customer("c-001", "Kateřina Sharma", "Tier: silver\nSince: 2022")
            .sms("+12125550143")
            .whatsapp("+12125550143")
            .owned_by("ana@example.org"),
        customer("c-002", "Mora Lind", "Tier: gold\nSince: 2019").sms("+12025550107").owned_by("ana@example.org"),
        customer("c-003", "Bjørn Aas", "Tier: gold\nSince: 2021").sms("+12025550108").owned_by("ben@example.org"),
        customer("c-004", "Zoë Marín", "Tier: new\nSince: 2025").whatsapp("+12025550109"),
        customer("c-005", "李娜", "Tier: silver\nSince: 2023").sms("+12025550110").owned_by("ana@example.org"),
    ]
}

fn customer(id: &str, name: &str, account: &str) -> Customer {
    Customer::new(id, name)
        .link("CRM", format!("https://crm.example.com/customers/{id}"), "Open in CRM")
        .details("Account", account)
}

/// A worker sees their own customers and those without an owner.
pub fn visible_to(worker: &str) -> Vec<Customer> {
    let mut customers = all();
    customers.retain(|customer| customer.worker.as_deref().is_none_or(|owner| owner == worker));
    customers
}

/// Returns a customer that this worker may see.
pub fn find(worker: &str, id: &str) -> Option<Customer> {
    visible_to(worker).into_iter().find(|customer| customer.customer_id == id)
}

/// Returns the customer with the address `+12025550107` or `whatsapp:+12025550107`.
pub fn by_address(address: &str) -> Option<Customer> {
    let number = |address: &str| address.strip_prefix("whatsapp:").unwrap_or(address).to_owned();
    let has = |customer: &Customer| customer.channels.iter().any(|channel| number(&channel.value) == number(address));
    all().into_iter().find(has)
}

//! A few made-up customers. Yours come from your own system: `frontgate_sdk::http` asks it, once the operator has
//! granted its address (`outbound` in plugin.toml).

use frontgate_sdk::Customer;

/// In the order in which the app shows them. Ids never change; that of a customer who was shown must be found.
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

/// A worker sees customers of their own, and those of nobody.
pub fn visible_to(worker: &str) -> Vec<Customer> {
    let mut customers = all();
    customers.retain(|customer| customer.worker.as_deref().is_none_or(|owner| owner == worker));
    customers
}

/// One that this worker may see.
pub fn find(worker: &str, id: &str) -> Option<Customer> {
    visible_to(worker).into_iter().find(|customer| customer.customer_id == id)
}

/// The one behind `+12025550107` or `whatsapp:+12025550107`.
pub fn by_address(address: &str) -> Option<Customer> {
    let number = |address: &str| address.strip_prefix("whatsapp:").unwrap_or(address).to_owned();
    let has = |customer: &Customer| customer.channels.iter().any(|channel| number(&channel.value) == number(address));
    all().into_iter().find(has)
}

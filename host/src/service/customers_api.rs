//! Operators' commands about the index of customers, on their socket.

use std::sync::Arc;

use frontgate_contract::bindings::crm::{ListRequest, Position};
use frontgate_contract::bindings::plugin_types::Customer;
use frontgate_customers::{Customers, PageLookup, StoreError, TenantCustomers};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::{Response, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tracing::info;

use crate::admin_pages::{text, with_type};

/// Customers that one search shows.
const SHOWN_MAX: u32 = 50;

/// The body of a command about customers.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct CustomersCommand {
    /// The tenant; absent if there is only one with an index.
    pub(crate) tenant: Option<String>,
    /// Id of a customer.
    pub(crate) id: Option<String>,
    /// A number or another address.
    pub(crate) address: Option<String>,
    /// Identity of a worker.
    pub(crate) worker: Option<String>,
    /// Text to search for.
    pub(crate) query: Option<String>,
    /// Whether a run enumerates all customers.
    pub(crate) enumerate: bool,
}

/// Answers commands about customers.
pub(super) struct CustomersApi {
    customers: Arc<Customers>,
}

/// Why a command was refused.
enum Refusal {
    /// The command cannot be carried out as given.
    Invalid(String),
    Store(StoreError),
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl CustomersApi {
    pub(super) fn new(customers: &Arc<Customers>) -> Self {
        Self { customers: Arc::clone(customers) }
    }

    /// Answers the command with this name.
    pub(super) async fn respond(&self, name: &str, body: &[u8]) -> Response<Full<Bytes>> {
        let command = if body.is_empty() { Ok(CustomersCommand::default()) } else { serde_json::from_slice(body) };
        let Ok(command) = command else { return text(StatusCode::BAD_REQUEST, "invalid body\n") };
        match self.execute(name, command).await {
            Ok(answer) => with_type("application/json", StatusCode::OK, answer.to_string().into_bytes()),
            Err(Refusal::Invalid(reason)) => text(StatusCode::CONFLICT, reason + "\n"),
            Err(Refusal::Store(error)) => text(StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")),
        }
    }

    async fn execute(&self, name: &str, command: CustomersCommand) -> Result<Value, Refusal> {
        if name == "status" {
            return self.status(command.tenant.as_deref()).await;
        }
        let customers = self.tenant(command.tenant.as_deref())?;
        let missing = |what: &str| Refusal::Invalid(format!("{what} is missing"));
        match name {
            "sync" => {
                customers.trigger(command.enumerate);
                Ok(json!({ "tenant": **customers.tenant() }))
            }
            "show" => {
                let id = command.id.ok_or_else(|| missing("the customer's id"))?;
                show(&customers, command.worker.as_deref(), &id).await
            }
            "find" => {
                let address = command.address.ok_or_else(|| missing("the address"))?;
                let found = customers.find(&address).await?;
                Ok(found.map_or(Value::Null, |customer| page(&customer)))
            }
            "search" => {
                let worker = command.worker.ok_or_else(|| missing("the worker"))?;
                let request =
                    ListRequest { worker, page_size: SHOWN_MAX, position: Position::First, query: command.query };
                let found = customers.list(request).await?.customers;
                let row = |row| {
                    let frontgate_contract::bindings::plugin_types::CustomerSummary {
                        customer_id, display_name, ..
                    } = row;
                    json!({ "customer_id": customer_id, "display_name": display_name })
                };
                Ok(found.into_iter().map(row).collect())
            }
            "forget" => {
                let id = command.id.ok_or_else(|| missing("the customer's id"))?;
                let was_stored = customers.forget(&id).await?;
                let tenant = &**customers.tenant();
                info!(event = "customers.forgotten", tenant, "customer of tenant `{tenant}` erased and excluded");
                Ok(json!({ "was_stored": was_stored }))
            }
            "allow" => {
                let id = command.id.ok_or_else(|| missing("the customer's id"))?;
                let was_excluded = customers.allow(&id).await?;
                customers.trigger_ids(vec![id]);
                Ok(json!({ "was_excluded": was_excluded }))
            }
            "accept-removals" => {
                customers.remove_missing(true).await?;
                let tenant = &**customers.tenant();
                info!(event = "customers.removals_accepted", tenant, "removals of tenant `{tenant}` accepted");
                self.status(Some(&**customers.tenant())).await
            }
            _ => Err(Refusal::Invalid(format!("unknown command `{name}`"))),
        }
    }

    fn tenant(&self, name: Option<&str>) -> Result<Arc<TenantCustomers>, Refusal> {
        let all = self.customers.all();
        let found = match (name, all.as_slice()) {
            (Some(name), all) => all.iter().find(|customers| &**customers.tenant() == name),
            (None, [only]) => Some(only),
            (None, []) => None,
            (None, _) => return Err(Refusal::Invalid("several tenants have an index; name one".to_owned())),
        };
        let name = name.unwrap_or("any");
        found.cloned().ok_or_else(|| {
            let fix = "set `index = true` below [tenants.NAME.customers]";
            Refusal::Invalid(format!("tenant `{name}` has no index of customers; {fix}"))
        })
    }

    async fn status(&self, tenant: Option<&str>) -> Result<Value, Refusal> {
        let mut all = Vec::new();
        for customers in self.customers.all() {
            if tenant.is_none_or(|tenant| &**customers.tenant() == tenant) {
                all.push(customers.status(true).await?);
            }
        }
        Ok(json!(all))
    }
}

/// Returns a customer, and whether a worker sees it.
async fn show(customers: &TenantCustomers, worker: Option<&str>, id: &str) -> Result<Value, Refusal> {
    let Some(stored) = customers.stored(id).await? else { return Ok(Value::Null) };
    let mut shown = page(&stored.customer);
    shown["seen_by"] = json!(stored.seen_by());
    shown["age_ms"] = json!(customers.age_ms(stored.fetched_ms));
    if let Some(worker) = worker {
        shown["is_seen"] = json!(matches!(customers.page(worker, id).await?, PageLookup::Found { .. }));
    }
    Ok(shown)
}

fn page(customer: &Customer) -> Value {
    let Customer { customer_id, display_name, channels, worker, .. } = customer;
    let channels: Vec<_> = channels.iter().map(|channel| &channel.value).collect();
    json!({ "customer_id": customer_id, "display_name": display_name, "addresses": channels, "owner": worker })
}

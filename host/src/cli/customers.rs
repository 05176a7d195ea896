//! `frontgate customers`: shows and changes the index of customers of the running gateway.

use std::path::Path;
use std::process::ExitCode;

use clap::Subcommand;
use frontgate_config::Config;
use frontgate_customers::Status;
use serde_json::Value;

use super::format::{escaped, plain, short, table};
use super::{client, say};
use crate::service::customers_api::CustomersCommand;

/// Exit status if the gateway refused the command, or found nothing.
const REFUSED: u8 = 1;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Show the state of the index of each tenant
    Status {
        /// Only this tenant
        tenant: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Read changes from the source now
    Sync {
        /// The tenant, if several have an index
        tenant: Option<String>,
        /// Read all customers, not only changes
        #[arg(long)]
        all: bool,
    },
    /// Show a customer, and who sees it
    Show {
        /// Id of the customer
        id: String,
        /// Also whether this worker sees the customer
        #[arg(long)]
        worker: Option<String>,
        /// The tenant, if several have an index
        #[arg(long)]
        tenant: Option<String>,
    },
    /// Find the customer with a number or another address
    Find {
        /// Such as `+15550100001`, `whatsapp:+15550100001` or the identity of a chat customer
        address: String,
        /// The tenant, if several have an index
        #[arg(long)]
        tenant: Option<String>,
    },
    /// Search as a worker does in the app
    Search {
        /// Identity of the worker
        worker: String,
        /// Text; without it, the first page of the list
        query: Option<String>,
        /// The tenant, if several have an index
        #[arg(long)]
        tenant: Option<String>,
    },
    /// Erase a customer, and never store it again
    Forget {
        /// Id of the customer
        id: String,
        /// The tenant, if several have an index
        #[arg(long)]
        tenant: Option<String>,
        /// Store an erased customer again, if its source reports it
        #[arg(long)]
        allow: bool,
    },
    /// Remove the customers that the last enumeration did not find, although they are many
    AcceptRemovals {
        /// The tenant, if several have an index
        tenant: Option<String>,
    },
}

pub(super) fn customers(config: &Path, command: Command) -> anyhow::Result<ExitCode> {
    let config = Config::load_unchecked(config).map_err(|faults| anyhow::anyhow!("{faults}"))?;
    let none = CustomersCommand::default;
    let (name, body, json) = match command {
        Command::Status { tenant, json } => ("status", CustomersCommand { tenant, ..none() }, json),
        Command::Sync { tenant, all } => ("sync", CustomersCommand { tenant, enumerate: all, ..none() }, false),
        Command::Show { id, worker, tenant } => {
            ("show", CustomersCommand { id: Some(id), worker, tenant, ..none() }, true)
        }
        Command::Find { address, tenant } => {
            ("find", CustomersCommand { address: Some(address), tenant, ..none() }, true)
        }
        Command::Search { worker, query, tenant } => {
            ("search", CustomersCommand { worker: Some(worker), query, tenant, ..none() }, true)
        }
        Command::Forget { id, tenant, allow } => {
            let name = if allow { "allow" } else { "forget" };
            (name, CustomersCommand { id: Some(id), tenant, ..none() }, false)
        }
        Command::AcceptRemovals { tenant } => ("accept-removals", CustomersCommand { tenant, ..none() }, false),
    };
    let answer = match client::customers(&config, name, &body)? {
        Ok(answer) => answer,
        Err(refusal) => {
            say!("{refusal}");
            return Ok(ExitCode::from(REFUSED));
        }
    };
    if answer.is_null() {
        say!("no such customer");
        return Ok(ExitCode::from(REFUSED));
    }
    if json {
        say!("{}", escaped(&answer)?);
        return Ok(ExitCode::SUCCESS);
    }
    match name {
        "status" | "accept-removals" => status(&serde_json::from_value::<Vec<Status>>(answer)?),
        "sync" => say!("a run starts; `frontgate customers status` shows its result"),
        "allow" if answer["was_excluded"] == Value::Bool(false) => say!("the customer was not erased"),
        "allow" => say!("the customer is stored again if its source reports it"),
        _ if answer["was_stored"] == Value::Bool(false) => say!("no such customer; it will not be stored"),
        _ => say!("the customer is erased, and will not be stored again"),
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints warnings about the index of the running gateway. Without one, the index is not checked.
pub(super) fn warn(config: &Config) {
    if !config.tenants.values().any(|tenant| tenant.customers.index) {
        return;
    }
    let Ok(Ok(answer)) = client::customers(config, "status", &CustomersCommand::default()) else { return };
    for status in serde_json::from_value::<Vec<Status>>(answer).unwrap_or_default() {
        for warning in warnings(&status) {
            say!("! tenant {warning}");
        }
    }
}

fn status(all: &[Status]) {
    if all.is_empty() {
        say!("no tenant has an index of customers; set `index = true` below [tenants.NAME.customers]");
        return;
    }
    let mut table = table(&["TENANT", "STATE", "CUSTOMERS", "AGE", "ENUMERATED", "MEMORY", "SOURCE"], &[2, 5]);
    let ago = |ms: Option<u64>| {
        ms.map_or_else(|| "-".to_owned(), |ms| format!("{} ago", short(i64::try_from(ms).unwrap_or(i64::MAX))))
    };
    for status in all {
        let of = status.total.filter(|_| status.state != "ready").map(|total| format!(" of {total}"));
        table.add_row([
            plain(&status.tenant),
            status.state.clone(),
            format!("{}{}", status.customers, of.unwrap_or_default()),
            ago(status.age_ms),
            if status.is_enumerating { "now".to_owned() } else { ago(status.enumerated_ms) },
            format!("{} KiB", status.bytes / 1024),
            plain(status.plugin.as_deref().unwrap_or("-")),
        ]);
    }
    table.lines().for_each(|line| say!("{}", line.trim_end()));
    for status in all {
        warnings(status).iter().for_each(|warning| say!("{warning}"));
    }
}

/// Returns what needs attention.
fn warnings(status: &Status) -> Vec<String> {
    let (mut warnings, tenant) = (Vec::new(), plain(&status.tenant));
    if let Some(failure) = &status.failure {
        warnings.push(format!("{tenant}: {} failed runs, the last: {}", status.failures, plain(failure)));
    }
    if status.held > 0 {
        let fix = format!("`frontgate customers accept-removals {tenant}` removes them");
        let held = status.held;
        warnings.push(format!("{tenant}: the source no longer reports {held} customers, which is implausible; {fix}"));
    }
    if status.unknown_numbers > 0 {
        let ids: Vec<String> = status.unknown_number_ids.iter().map(|id| plain(id)).collect();
        let (count, all, ids) = (status.unknown_numbers, status.customers, ids.join(", "));
        let fix = "correct them in the CRM, or set `country`";
        warnings.push(format!(
            "{tenant}: {count} of {all} customers have numbers that cannot be understood ({ids}); {fix}"
        ));
    }
    warnings
}

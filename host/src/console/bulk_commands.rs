//! Changes of many deliveries by a command, through the same preview, limit and task as those of the console.

use std::sync::Arc;

use frontgate_audit::Actor;
use frontgate_console_pages::Page as _;
use frontgate_delivery::job::State;
use frontgate_delivery::store::queue_admin::DeliveryFilter;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Console;
use super::answers::Refusal;

/// The body of the command that changes many deliveries.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BulkCommand {
    /// `retry` or `cancel`.
    pub(crate) change: String,
    /// Names of the deliveries' states.
    pub(crate) states: Vec<String>,
    /// Their tenant; `None` for all.
    pub(crate) tenant: Option<String>,
    /// Group of their reason; empty for deliveries without a reason, `None` for all.
    pub(crate) why: Option<String>,
    /// The number that the person has confirmed; `None` for a preview.
    pub(crate) confirmed: Option<u64>,
}

impl Console {
    /// Answers with a preview; or starts the change, if the confirmed number is still right.
    pub(crate) async fn bulk_for_command(&self, actor: &Actor, command: BulkCommand) -> Result<String, String> {
        let change = super::bulk::named(Some(&command.change)).map_err(reason)?;
        let state = |name: &String| State::named(name).ok_or_else(|| format!("unknown state `{name}`"));
        let filter = DeliveryFilter {
            states: command.states.iter().map(state).collect::<Result<_, _>>()?,
            tenant: command.tenant,
            reason_group: command.why,
            ..DeliveryFilter::default()
        };
        let preview = self.previewed(&filter, change).await.map_err(reason)?;
        if command.confirmed == Some(super::bulk::count(&preview)) {
            let id = self.begin_bulk(actor, &filter, change, preview, None).await.map_err(|error| error.to_string())?;
            return Ok(json!({ "id": id }).to_string());
        }
        let view = super::bulk::view(&filter, change, &preview, command.confirmed);
        Ok(String::from_utf8_lossy(&view.json()).into_owned())
    }

    /// Answers with the progress of a change.
    pub(crate) fn bulk_progress_for_command(self: &Arc<Self>, id: u64) -> Result<String, String> {
        let job = self.bulk.get(id).ok_or_else(|| format!("no change has the number {id}"))?;
        Ok(json!(job.progress(id)).to_string())
    }
}

fn reason(refusal: Refusal) -> String {
    match refusal {
        Refusal::Invalid(reason) => reason,
        Refusal::Store(error) => error.to_string(),
        _ => "the change is not possible".to_owned(),
    }
}

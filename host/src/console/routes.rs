//! The addresses of the console, and the handler of each.

use std::sync::Arc;

use super::answers::{Answer, Refusal};
use super::{Call, Console};

impl Console {
    /// Answers a GET. Changes nothing.
    pub(super) async fn show(self: &Arc<Self>, call: Call) -> Result<Answer, Refusal> {
        let path: Vec<String> = call.path.clone();
        let parts: Vec<&str> = path.iter().map(String::as_str).collect();
        match parts.as_slice() {
            [] => self.overview(call).await,
            ["live"] => Ok(self.live(call)),
            ["live", "rows"] => self.live_rows(&call).await,
            ["events", id] => self.event(call, id).await,
            ["questions", number] => self.question(call, number),
            ["questions", number, "case"] => self.case(call, number).await,
            ["conversations"] => self.conversations(call).await,
            ["conversations", tenant, conversation] => self.conversation(call, tenant, conversation).await,
            ["deliveries"] => self.deliveries(call).await,
            ["deliveries", "bulk"] => self.preview(call, None).await,
            ["deliveries", "bulk", id] => self.bulk_progress(call, id),
            ["deliveries", id] => self.delivery(call, id, None).await,
            ["channels"] => self.channels(call).await,
            ["channels", id] => self.channel(call, id, None).await,
            ["plugins"] => self.plugins(call).await,
            ["plugins", name] => self.plugin(call, name, None).await,
            ["simulator"] => Ok(self.simulator(call)),
            ["simulator", "apps", number] => self.app(call, number).await,
            ["simulator", "conversations"] => self.simulation(call).await,
            ["setup"] => self.setup(call).await,
            ["setup", tenant] => self.tenant_setup(call, tenant).await,
            ["replicas"] => self.replicas(call).await,
            ["audit"] => self.audit(call).await,
            ["find"] => self.find(&call).await,
            _ => Err(Refusal::NotFound),
        }
    }

    /// Answers a POST. Each handler checks the person's right first.
    pub(super) async fn change(self: &Arc<Self>, call: Call) -> Result<Answer, Refusal> {
        let path: Vec<String> = call.path.clone();
        let parts: Vec<&str> = path.iter().map(String::as_str).collect();
        match parts.as_slice() {
            ["leave"] => self.leave(&call).await,
            ["events", id, "show"] => self.show_event(call, id).await,
            ["events", id, "ask"] => self.ask_again(call, id).await,
            ["events", id, "edit"] => self.edit_event(call, id).await,
            ["questions", number, "show"] => self.show_question(call, number).await,
            ["questions", number, "case"] => self.save_case(call, number).await,
            ["deliveries", "bulk"] => self.start_bulk(call).await,
            ["deliveries", "bulk", id, "stop"] => self.stop_bulk(&call, id).await,
            ["deliveries", id, "show"] => self.show_payload(call, id).await,
            ["deliveries", id, change] => self.change_delivery(call, id, change).await,
            ["channels", id, action @ ("check" | "disconnect")] => self.change_channel(call, id, action).await,
            ["simulator", "open"] => self.open_app(call).await,
            ["simulator", "conversations", action] => self.change_simulation(call, action).await,
            ["plugins", "reload"] => self.reload(call).await,
            ["plugins", name, "compare"] => self.compare(call, name).await,
            ["setup", tenant, "ask"] => self.ask_twilio(call, tenant).await,
            ["setup", tenant, "show"] => self.show_addresses(call, tenant).await,
            ["plugins", name, action @ ("allow" | "rollback")] => self.change_plugin(call, name, action).await,
            _ => Err(Refusal::NotFound),
        }
    }
}

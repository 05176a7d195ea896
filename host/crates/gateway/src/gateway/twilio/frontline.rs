//! Frontline's callbacks that a plugin answers within the deadline.

use frontgate_contract::Role;
use frontgate_runtime::LoadedPlugin;
use frontgate_tenants::{AnsweredBy, PluginInvoker};
use frontgate_twilio::form::Form;
use frontgate_twilio_callbacks::{CallbackResponse, crm, outgoing, templates};

use super::super::request_context::RequestContext;
use super::super::request_record::Stage;
use crate::error::Error;
use crate::routes::Route;

/// A Frontline callback.
pub(in super::super) struct Frontline<'r> {
    pub(in super::super) route: &'r Route,
    pub(in super::super) form: &'r Form<'r>,
    pub(in super::super) query: Option<&'r str>,
    pub(in super::super) invoker: &'r PluginInvoker,
}

/// Follows how a callback is answered.
pub(in super::super) trait Progress: Send {
    /// Notes who answers a question about customers.
    fn answers(&mut self, by: &AnsweredBy);

    /// Notes which plugin is asked.
    fn asks(&mut self, plugin: &LoadedPlugin);

    /// Notes that the last call has ended.
    fn called(&mut self);
}

impl Progress for RequestContext<'_> {
    fn answers(&mut self, by: &AnsweredBy) {
        self.set_answered_by(by);
    }

    fn asks(&mut self, plugin: &LoadedPlugin) {
        self.set_plugin(plugin);
    }

    fn called(&mut self) {
        self.record.end(Stage::Calls);
    }
}

/// Follows nothing.
impl Progress for () {
    fn answers(&mut self, _: &AnsweredBy) {}

    fn asks(&mut self, _: &LoadedPlugin) {}

    fn called(&mut self) {}
}

impl Frontline<'_> {
    /// Lists customers, or returns one.
    pub(in super::super) async fn crm(&self, progress: &mut impl Progress) -> Result<CallbackResponse, Error> {
        let page_size_max = self.route.tenant.page_size_max;
        let decoded = crm::decode(self.form, self.query, self.default_worker(), page_size_max)?;
        let chosen = |by: &AnsweredBy| progress.answers(by);
        match decoded {
            crm::CrmRequest::List(list) => {
                let page_size = list.page_size;
                let page = self.invoker.list_customers(list, chosen).await;
                progress.called();
                Ok(crm::encode_page(&page?, page_size)?)
            }
            crm::CrmRequest::Details { worker, customer_id } => {
                let customer = self.invoker.get_customer(worker, customer_id, chosen).await;
                progress.called();
                Ok(crm::encode_customer(&customer?)?)
            }
        }
    }

    /// Lists message templates.
    pub(in super::super) async fn templates(&self, progress: &mut impl Progress) -> Result<CallbackResponse, Error> {
        let decoded = templates::decode(self.form, self.query, self.default_worker())?;
        let plugin = self.invoker.plugin(Role::Templates)?;
        progress.asks(&plugin);
        let categories = self.invoker.call(&plugin, Role::Templates).list_templates(decoded).await;
        progress.called();
        Ok(templates::encode(&categories?))
    }

    /// Chooses the number from which a conversation starts.
    pub(in super::super) async fn outgoing(&self, progress: &mut impl Progress) -> Result<CallbackResponse, Error> {
        let decoded = outgoing::decode(self.form, self.query, self.default_worker())?;
        let contact = decoded.channel.clone();
        let plugin = self.invoker.plugin(Role::Outgoing)?;
        progress.asks(&plugin);
        let proxy_address = self.invoker.call(&plugin, Role::Outgoing).proxy_address(decoded).await;
        progress.called();
        Ok(outgoing::encode(&proxy_address?, &contact)?)
    }

    /// Returns the worker who asks if the callback names none.
    fn default_worker(&self) -> Option<&str> {
        self.route.tenant.default_worker.as_deref()
    }
}

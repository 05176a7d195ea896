//! Frontline's callbacks that a plugin answers within the deadline.

use std::sync::Arc;

use frontgate_contract::Role;
use frontgate_tenants::{AnsweredBy, Plugins};
use frontgate_twilio_callbacks::{CallbackResponse, crm, outgoing, templates};

use super::super::request_context::RequestContext;
use super::super::request_record::Stage;
use super::verified::VerifiedRequest;
use crate::error::Error;

/// A Frontline callback.
pub(super) struct Frontline<'r> {
    pub(super) plugins: &'r Arc<Plugins>,
    pub(super) request: &'r VerifiedRequest<'r>,
}

impl Frontline<'_> {
    /// Lists customers, or returns one.
    pub(super) async fn crm(&self, context: &mut RequestContext<'_>) -> Result<CallbackResponse, Error> {
        let request = self.request;
        let decoded =
            crm::decode(request.form, request.query, request.default_worker(), request.route.tenant.page_size_max)?;
        let invoker = request.invoker(self.plugins, context);
        let chosen = |by: &AnsweredBy| context.set_answered_by(by);
        match decoded {
            crm::CrmRequest::List(list) => {
                let page_size = list.page_size;
                let page = invoker.list_customers(list, chosen).await;
                context.record.end(Stage::Calls);
                Ok(crm::encode_page(&page?, page_size)?)
            }
            crm::CrmRequest::Details { worker, customer_id } => {
                let customer = invoker.get_customer(worker, customer_id, chosen).await;
                context.record.end(Stage::Calls);
                Ok(crm::encode_customer(&customer?)?)
            }
        }
    }

    /// Lists message templates.
    pub(super) async fn templates(&self, context: &mut RequestContext<'_>) -> Result<CallbackResponse, Error> {
        let decoded = templates::decode(self.request.form, self.request.query, self.request.default_worker())?;
        let invoker = self.request.invoker(self.plugins, context);
        let plugin = invoker.plugin(Role::Templates)?;
        context.set_plugin(&plugin);
        let categories = invoker.call(&plugin, Role::Templates).list_templates(decoded).await;
        context.record.end(Stage::Calls);
        Ok(templates::encode(&categories?))
    }

    /// Chooses the number from which a conversation starts.
    pub(super) async fn outgoing(&self, context: &mut RequestContext<'_>) -> Result<CallbackResponse, Error> {
        let decoded = outgoing::decode(self.request.form, self.request.query, self.request.default_worker())?;
        let contact = decoded.channel.clone();
        let invoker = self.request.invoker(self.plugins, context);
        let plugin = invoker.plugin(Role::Outgoing)?;
        context.set_plugin(&plugin);
        let proxy_address = invoker.call(&plugin, Role::Outgoing).proxy_address(decoded).await;
        context.record.end(Stage::Calls);
        Ok(outgoing::encode(&proxy_address?, &contact)?)
    }
}

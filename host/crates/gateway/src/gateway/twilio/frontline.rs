//! Frontline's questions, whose answers are the product: a plugin answers within the deadline.

use frontgate_contract::Role;
use frontgate_tenants::roles::Asking;
use frontgate_twilio_callbacks::{Answer, crm, outgoing, templates};

use super::trip::Trip;
use super::{Gateway, Question};
use crate::error::Error;

impl Gateway {
    pub(super) async fn crm(&self, question: &Question<'_>, trip: &mut Trip<'_>) -> Result<Answer, Error> {
        let asked = crm::decode(question.form, question.query, question.route.tenant.page_size_max)?;
        let asking = self.asking(question, trip);
        let plugin = asking.answering(Role::Crm)?;
        trip.plugin(&plugin);
        let call = asking.call(&plugin, Role::Crm);
        match asked {
            crm::Question::List(request) => {
                let page_size = request.page_size;
                Ok(crm::encode_page(&call.list_customers(request).await?, page_size)?)
            }
            crm::Question::Details { worker, customer_id } => {
                Ok(crm::encode_customer(&call.get_customer(worker, customer_id).await?)?)
            }
        }
    }

    pub(super) async fn templates(&self, question: &Question<'_>, trip: &mut Trip<'_>) -> Result<Answer, Error> {
        let request = templates::decode(question.form, question.query)?;
        let asking = self.asking(question, trip);
        let plugin = asking.answering(Role::Templates)?;
        trip.plugin(&plugin);
        let categories = asking.call(&plugin, Role::Templates).list_templates(request).await?;
        Ok(templates::encode(&categories))
    }

    pub(super) async fn outgoing(&self, question: &Question<'_>, trip: &mut Trip<'_>) -> Result<Answer, Error> {
        let request = outgoing::decode(question.form, question.query)?;
        let contact = request.channel.clone();
        let asking = self.asking(question, trip);
        let plugin = asking.answering(Role::Outgoing)?;
        trip.plugin(&plugin);
        let proxy_address = asking.call(&plugin, Role::Outgoing).proxy_address(request).await?;
        Ok(outgoing::encode(&proxy_address, &contact)?)
    }

    pub(super) fn asking(&self, question: &Question<'_>, trip: &Trip<'_>) -> Asking {
        self.plugins.asking(&question.route.tenant, trip.id(), question.deadlines, trip.receipts())
    }
}

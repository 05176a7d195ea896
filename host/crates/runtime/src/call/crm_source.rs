//! The functions of the crm-source role.

use frontgate_contract::bindings::crm_source::{
    ChangeAnswer, Notification, NotificationAnswer, SourceCustomer, SourceFacts,
};

use super::{Call, invoke};
use crate::error::CallError;

impl Call<'_> {
    /// Returns what the source can do.
    pub async fn source_facts(self) -> Result<SourceFacts, CallError> {
        invoke!(self, crm_source.call_facts())
    }

    /// Returns changes of customers since a cursor.
    pub async fn customer_changes(self, since: Option<Vec<u8>>, limit: u32) -> Result<ChangeAnswer, CallError> {
        invoke!(self, crm_source.call_changes(since.as_deref(), limit))
    }

    /// Returns customers by id.
    pub async fn fetch_customers(self, ids: Vec<String>) -> Result<Vec<SourceCustomer>, CallError> {
        invoke!(self, crm_source.call_fetch(&ids))
    }

    /// Hands a request to the source's webhook to the plugin.
    pub async fn source_notified(self, notification: Notification) -> Result<NotificationAnswer, CallError> {
        invoke!(self, crm_source.call_notified(&notification))
    }
}

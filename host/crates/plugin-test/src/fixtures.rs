//! Fixtures of a call under test: a tenant, the customers of the import `directory`, and the files of a message.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context as _;
use bytes::Bytes;
use frontgate_contract::bindings::plugin_types;
use frontgate_contract::bindings::plugin_types::Error;
use frontgate_runtime::files::{FileError, Files, Opening};
use frontgate_runtime::{Directory, Lookup, OuterCall};
use http_body_util::{BodyExt as _, Full};
use serde::Deserialize;
use serde_json::Value;

use crate::wit_json;

/// Fixtures of one call.
pub(super) struct Fixtures {
    /// The tenant whose state the call reads and writes.
    pub(super) tenant: Arc<str>,
    pub(super) directory: Arc<dyn Directory>,
    pub(super) files: Option<Arc<dyn Files>>,
    pub(super) instances: InstanceKind,
}

/// The instance of a call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum InstanceKind {
    /// An instance of its own.
    #[default]
    Fresh,
    /// The instance of the last call of the same tenant, if there is one.
    Used,
}

impl Fixtures {
    /// Creates fixtures with a tenant, without customers and files.
    pub(super) fn of(tenant: &str) -> Self {
        Self {
            tenant: tenant.into(),
            directory: Arc::new(TestDirectory::default()),
            files: None,
            instances: InstanceKind::Fresh,
        }
    }
}

/// A customer as JSON, in the shape of the contract's `customer`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Customer {
    customer_id: String,
    display_name: String,
    avatar: Option<String>,
    #[serde(default)]
    channels: Vec<Channel>,
    #[serde(default)]
    links: Vec<Link>,
    details: Option<Details>,
    worker: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Channel {
    kind: String,
    value: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Link {
    kind: String,
    value: String,
    display_name: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Details {
    title: String,
    content: String,
}

impl From<Customer> for plugin_types::Customer {
    fn from(customer: Customer) -> Self {
        let channel = |Channel { kind, value }| plugin_types::ContactChannel { kind, value };
        let link = |Link { kind, value, display_name }| plugin_types::Link { kind, value, display_name };
        let details = |Details { title, content }| plugin_types::Details { title, content };
        Self {
            customer_id: customer.customer_id,
            display_name: customer.display_name,
            avatar: customer.avatar,
            channels: customer.channels.into_iter().map(channel).collect(),
            links: customer.links.into_iter().map(link).collect(),
            details: customer.details.map(details),
            worker: customer.worker,
        }
    }
}

/// The import `directory` with the customers of a test. Without customers, it is unavailable, as without a CRM.
#[derive(Default)]
pub(super) struct TestDirectory(Option<Vec<plugin_types::Customer>>);

impl TestDirectory {
    pub(super) fn new(customers: Option<Vec<Customer>>) -> Self {
        Self(customers.map(|customers| customers.into_iter().map(Into::into).collect()))
    }

    fn customers(&self) -> Result<&[plugin_types::Customer], Error> {
        self.0.as_deref().ok_or_else(|| Error::Unavailable("no live plugin has the role crm".to_owned()))
    }
}

impl Directory for TestDirectory {
    fn get_customer<'d>(
        &'d self,
        _: OuterCall<'d>,
        worker: String,
        customer_id: String,
    ) -> Lookup<'d, plugin_types::Customer> {
        Box::pin(async move {
            // A worker sees their own customers and unassigned ones.
            let sees = |customer: &&plugin_types::Customer| customer.worker.as_ref().is_none_or(|own| *own == worker);
            let mut visible = self.customers()?.iter().filter(sees);
            visible.find(|customer| customer.customer_id == customer_id).cloned().ok_or(Error::NotFound)
        })
    }

    fn refresh<'d>(&'d self, _: OuterCall<'d>, _: Vec<String>) -> Lookup<'d, ()> {
        Box::pin(async { Ok(()) })
    }

    fn find_customer<'d>(&'d self, _: OuterCall<'d>, address: String) -> Lookup<'d, Option<plugin_types::Customer>> {
        Box::pin(async move {
            let has = |customer: &&plugin_types::Customer| customer.channels.iter().any(|one| one.value == address);
            Ok(self.customers()?.iter().find(has).cloned())
        })
    }
}

/// Files of a message, by id.
pub(super) struct FixtureFiles(BTreeMap<String, Bytes>);

impl FixtureFiles {
    pub(super) fn read(files: &BTreeMap<String, Value>) -> anyhow::Result<Self> {
        let read = |(id, value): (&String, &Value)| {
            let bytes = wit_json::bytes(value).with_context(|| format!("files.{id}: expected text or base64"))?;
            Ok((id.clone(), Bytes::from(bytes)))
        };
        Ok(Self(files.iter().map(read).collect::<anyhow::Result<_>>()?))
    }
}

impl Files for FixtureFiles {
    fn open<'f>(&'f self, id: &'f str) -> Opening<'f> {
        Box::pin(async move {
            let bytes = self.0.get(id).cloned().ok_or(FileError::Unknown)?;
            Ok(Full::new(bytes).map_err(|never| match never {}).boxed_unsync())
        })
    }
}

//! Calls that change nothing, for a person who asks a plugin a question.
//!
//! A dry run sends no request that could change something, keeps no state and accepts no action. It records what its
//! calls did.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use frontgate_contract::digest::Digest;
use frontgate_contract::json;
use hyper::Method;
use hyper::body::Bytes;
use parking_lot::Mutex;
use serde_json::Value;

use crate::error::CallError;
use crate::loaded_plugin::LoadedPlugin;

/// Maximum number of calls, and of requests, values of the state and customers of one call, that are recorded.
const RECORDED_MAX: usize = 50;
/// Maximum size of one recorded response, in bytes.
const RESPONSE_BYTES_MAX: usize = 256 << 10;
/// Maximum size of all recorded responses and values of one dry run, in bytes.
const RECORDED_BYTES_MAX: usize = 4 << 20;

/// The calls of one dry run, shared by everything that takes part in it.
#[derive(Debug, Default)]
pub struct DryRun {
    calls: Mutex<Vec<DryCall>>,
    /// Bytes of responses and values.
    bytes: AtomicUsize,
}

/// One call of a dry run.
#[derive(Debug, Clone)]
pub struct DryCall {
    /// Name of the plugin.
    pub plugin: Arc<str>,
    /// Digest of the plugin's file.
    pub digest: Digest,
    /// Name of the function, such as `crm.list-customers`.
    pub function: Cow<'static, str>,
    /// Arguments in the order of the contract.
    pub arguments: Vec<Value>,
    /// How the call ended; `None` while it runs.
    pub end: Option<DryEnd>,
    /// Requests that the plugin sent, or would have sent.
    pub requests: Vec<DryRequest>,
    /// Values of the state that the plugin read, by key.
    pub state: Vec<(String, Vec<u8>)>,
    /// Customers that the plugin looked up.
    pub customers: Vec<Value>,
    /// Actions on conversations that the plugin asked for.
    pub actions: Vec<Value>,
    /// Number of keys of the state that the call would have written.
    pub keys_written: usize,
    /// Whether something was not recorded, because there was too much.
    pub is_cut: bool,
}

/// End of a call.
#[derive(Debug, Clone, PartialEq)]
pub enum DryEnd {
    /// The plugin answered.
    Answer(Value),
    /// The plugin answered with an error of the contract.
    Error(Value),
    /// The call ended without an answer, for this reason.
    Failed(String),
}

/// A request of a plugin.
#[derive(Debug, Clone)]
pub struct DryRequest {
    /// HTTP method.
    pub method: Method,
    /// URL, as the plugin wrote it: without bound secrets.
    pub url: String,
    /// What came of it.
    pub result: DryResult,
}

/// What came of a request.
#[derive(Debug, Clone)]
pub enum DryResult {
    /// It was not sent, since it could change something.
    Held,
    /// It failed.
    Failed(String),
    /// It was answered.
    Response {
        /// Status.
        status: u16,
        /// `Content-Type`, if it is text.
        content_type: Option<String>,
        /// Body.
        body: Bytes,
    },
}

impl DryRun {
    /// Returns all calls so far, in the order in which they began.
    pub fn calls(&self) -> Vec<DryCall> {
        self.calls.lock().clone()
    }

    /// Records the begin of a call, and returns its position; `None` if there are too many.
    pub(crate) fn begin(
        &self,
        plugin: &LoadedPlugin,
        function: Cow<'static, str>,
        arguments: Vec<Value>,
    ) -> Option<usize> {
        let mut calls = self.calls.lock();
        if calls.len() >= RECORDED_MAX {
            return None;
        }
        calls.push(DryCall {
            plugin: Arc::clone(&plugin.name),
            digest: plugin.digest,
            function,
            arguments,
            end: None,
            requests: Vec::new(),
            state: Vec::new(),
            customers: Vec::new(),
            actions: Vec::new(),
            keys_written: 0,
            is_cut: false,
        });
        Some(calls.len() - 1)
    }

    /// Records the end of a call.
    pub(crate) fn end(&self, position: usize, result: Result<Value, &CallError>) {
        let end = match result {
            Ok(answer) => DryEnd::Answer(answer),
            Err(error) => match error.as_contract_error() {
                Some(error) => DryEnd::Error(json::json(&error)),
                None => DryEnd::Failed(error.to_string()),
            },
        };
        if let Some(call) = self.calls.lock().get_mut(position) {
            call.end = Some(end);
        }
    }

    pub(crate) fn add_request(&self, plugin: &str, mut request: DryRequest) {
        self.running(plugin, |call| {
            if let DryResult::Response { body, .. } = &mut request.result {
                let kept = self.room(body.len().min(RESPONSE_BYTES_MAX));
                call.is_cut |= kept < body.len();
                // A copy, because a part would keep the whole response in memory.
                *body = Bytes::copy_from_slice(&body[..kept]);
            }
            push(&mut call.requests, request, &mut call.is_cut);
        });
    }

    pub(crate) fn add_state(&self, plugin: &str, key: &str, value: &[u8]) {
        self.running(plugin, |call| {
            if call.state.iter().any(|(known, _)| known == key) {
                return;
            }
            if self.room(value.len()) < value.len() {
                call.is_cut = true;
            } else {
                push(&mut call.state, (key.to_owned(), value.to_vec()), &mut call.is_cut);
            }
        });
    }

    /// Notes that a call did something that is not recorded.
    pub(crate) fn cut(&self, plugin: &str) {
        self.running(plugin, |call| call.is_cut = true);
    }

    /// Takes room for bytes, and returns how many there is room for.
    fn room(&self, bytes: usize) -> usize {
        let before = self.bytes.fetch_add(bytes, Ordering::Relaxed);
        bytes.min(RECORDED_BYTES_MAX.saturating_sub(before))
    }

    pub(crate) fn add_customer(&self, plugin: &str, customer: Value) {
        self.running(plugin, |call| {
            if !call.customers.contains(&customer) {
                push(&mut call.customers, customer, &mut call.is_cut);
            }
        });
    }

    /// Records what a call would have changed.
    pub(crate) fn add_effects(&self, plugin: &str, actions: Vec<Value>, keys_written: usize) {
        self.running(plugin, |call| {
            call.actions = actions;
            call.keys_written = keys_written;
        });
    }

    /// Changes the running call of a plugin that began last.
    fn running(&self, plugin: &str, change: impl FnOnce(&mut DryCall)) {
        let mut calls = self.calls.lock();
        if let Some(call) = calls.iter_mut().rev().find(|call| call.end.is_none() && &*call.plugin == plugin) {
            change(call);
        }
    }
}

fn push<T>(list: &mut Vec<T>, item: T, is_cut: &mut bool) {
    if list.len() < RECORDED_MAX { list.push(item) } else { *is_cut = true }
}

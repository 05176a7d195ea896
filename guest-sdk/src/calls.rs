//! The role `calls`: logs calls of Frontline.

use crate::bindings::calls::Guest;
use crate::{Call, CallDirection, CallRecording, Result};

/// Logs calls that have ended.
///
/// ```
/// use frontgate_sdk::{Call, Calls, Result, http, settings};
/// use serde_json::json;
///
/// struct CallLog;
///
/// impl Calls for CallLog {
///     fn log_call(call: Call) -> Result<()> {
///         let url = format!("{}/calls/{}", settings::require("crm")?, http::segment(&call.call_sid));
///         let recording = call.recording.and_then(|recording| recording.url);
///         let entry = json!({ "worker": call.worker, "customer": call.customer_address, "recording": recording });
///         http::request("PUT", &url).json(&entry).send()?.success()?;
///         Ok(())
///     }
/// }
///
/// frontgate_sdk::export!(CallLog: calls);
///
/// // The test:
/// use frontgate_sdk::testing::{self, expect};
///
/// testing::settings([("crm", "https://crm.example.com")]);
/// let _crm = testing::serve([expect(http::request("PUT", "https://crm.example.com/calls/CA7"))]);
/// CallLog::log_call(Call::inbound("CA7", "+12025550107", "+12025550199").worker("ana@example.org")).unwrap();
/// ```
pub trait Calls {
    /// Logs a call. Called once for each call, and again after a failure: write the entry under `call.call_sid`.
    fn log_call(call: Call) -> Result<()>;
}

impl<T: Calls> Guest for T {
    fn log_call(call: Call) -> Result<()> {
        T::log_call(call)
    }
}

impl Call {
    /// Creates a completed call of a customer, for tests.
    pub fn inbound(
        sid: impl Into<String>,
        customer_address: impl Into<String>,
        proxy_address: impl Into<String>,
    ) -> Self {
        Self {
            call_sid: sid.into(),
            direction: CallDirection::Inbound,
            worker: None,
            customer_address: Some(customer_address.into()),
            proxy_address: Some(proxy_address.into()),
            conversation_sid: None,
            participant_sid: None,
            status: "completed".to_owned(),
            started_at: None,
            duration_seconds: None,
            recording: None,
        }
    }

    /// Creates a completed call of a worker, for tests.
    pub fn outbound(
        sid: impl Into<String>,
        customer_address: impl Into<String>,
        proxy_address: impl Into<String>,
    ) -> Self {
        Self { direction: CallDirection::Outbound, ..Self::inbound(sid, customer_address, proxy_address) }
    }

    /// Sets the worker.
    #[must_use]
    pub fn worker(self, identity: impl Into<String>) -> Self {
        Self { worker: Some(identity.into()), ..self }
    }

    /// Sets the length in seconds.
    #[must_use]
    pub fn lasting(self, seconds: u32) -> Self {
        Self { duration_seconds: Some(seconds), ..self }
    }

    /// Sets the recording.
    #[must_use]
    pub fn recorded(self, sid: impl Into<String>, url: impl Into<String>, seconds: u32) -> Self {
        let recording = CallRecording { sid: sid.into(), url: Some(url.into()), duration_seconds: Some(seconds) };
        Self { recording: Some(recording), ..self }
    }
}

//! The function of the calls role.

use frontgate_contract::bindings::calls;

use super::{Call, invoke};
use crate::error::CallError;

impl Call<'_> {
    /// Logs a call of Frontline.
    pub async fn log_call(self, call: calls::Call) -> Result<(), CallError> {
        invoke!(self, calls.call_log_call(&call))
    }
}

//! Functions of the channel-login role.

use frontgate_contract::bindings::channel_login::{Event, Login, Step};

use super::{Call, invoke};
use crate::error::CallError;

impl Call<'_> {
    /// Makes one step of a sign-in.
    pub async fn advance_login(self, login: Login, event: Event) -> Result<Step, CallError> {
        invoke!(self, channel_login.call_advance(&login, &event))
    }
}

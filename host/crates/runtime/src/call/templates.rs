//! The function of the templates role.

use frontgate_contract::bindings::templates::{Category, TemplateRequest};

use super::{Call, invoke};
use crate::error::CallError;

impl Call<'_> {
    /// Lists message templates for a customer.
    pub async fn list_templates(self, request: TemplateRequest) -> Result<Vec<Category>, CallError> {
        invoke!(self, templates.call_list_templates(&request))
    }
}

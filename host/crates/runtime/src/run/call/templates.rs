//! The question of the templates role.

use frontgate_contract::bindings::templates::{Category, TemplateRequest};

use super::{Call, ask};
use crate::error::CallError;

impl Call<'_> {
    /// The templates for a customer.
    pub async fn list_templates(self, request: TemplateRequest) -> Result<Vec<Category>, CallError> {
        ask!(self, templates.call_list_templates(&request))
    }
}

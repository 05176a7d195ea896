//! The question of the templates role.

use super::{Call, ask};
use crate::bindings::templates::{Category, TemplateRequest};
use crate::error::Error;

impl Call<'_> {
    /// The templates for a customer.
    pub async fn list_templates(self, request: TemplateRequest) -> Result<Vec<Category>, Error> {
        ask!(self, templates.call_list_templates(&request))
    }
}

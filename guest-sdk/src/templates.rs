//! The role `templates`: message templates, already rendered for one customer.

use crate::bindings::templates::Guest;
use crate::{Category, Result, Template, TemplateRequest};

/// Answers the templates callback.
///
/// ```
/// use frontgate_sdk::{Category, Result, Template, TemplateRequest, Templates, directory};
///
/// struct Greetings;
///
/// impl Templates for Greetings {
///     fn list_templates(request: TemplateRequest) -> Result<Vec<Category>> {
///         let Some(id) = &request.customer_id else {
///             return Ok(Vec::new());
///         };
///         let name = directory::get_customer(&request.worker, id)?.display_name;
///         Ok(vec![Category::new("Greetings", [Template::new(format!("Hello {name}!")).whatsapp_approved()])])
///     }
/// }
///
/// frontgate_sdk::export!(Greetings: templates);
/// ```
pub trait Templates {
    /// The templates for this customer; [`Error::NotFound`](crate::Error::NotFound) where this
    /// worker may not see the customer.
    fn list_templates(request: TemplateRequest) -> Result<Vec<Category>>;
}

impl<T: Templates> Guest for T {
    fn list_templates(request: TemplateRequest) -> Result<Vec<Category>> {
        T::list_templates(request)
    }
}

impl Template {
    /// A text that a worker can send, with nothing left to fill in.
    pub fn new(content: impl Into<String>) -> Self {
        Self { content: content.into(), whatsapp_approved: false }
    }

    /// Says that WhatsApp has approved this text, so that it can open a conversation there.
    pub fn whatsapp_approved(mut self) -> Self {
        self.whatsapp_approved = true;
        self
    }
}

impl Category {
    /// Templates under a heading.
    pub fn new(display_name: impl Into<String>, templates: impl IntoIterator<Item = Template>) -> Self {
        Self { display_name: display_name.into(), templates: templates.into_iter().collect() }
    }
}

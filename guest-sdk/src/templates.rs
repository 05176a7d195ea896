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

impl TemplateRequest {
    /// A worker's question, for tests of your own.
    ///
    /// ```
    /// let request = frontgate_sdk::TemplateRequest::new("ana@example.org").customer("7");
    /// assert_eq!(request.customer_id.as_deref(), Some("7"));
    /// ```
    pub fn new(worker: impl Into<String>) -> Self {
        Self { worker: worker.into(), customer_id: None, conversation_sid: None }
    }

    /// In a conversation with this customer.
    ///
    /// ```
    /// let request = frontgate_sdk::TemplateRequest::new("ana@example.org").customer("7");
    /// assert_eq!(request.conversation_sid, None);
    /// ```
    pub fn customer(mut self, customer_id: impl Into<String>) -> Self {
        self.customer_id = Some(customer_id.into());
        self
    }
}

impl Template {
    /// A text that a worker can send, with nothing left to fill in.
    ///
    /// ```
    /// let template = frontgate_sdk::Template::new("Hello Mora!");
    /// assert!(!template.whatsapp_approved);
    /// ```
    pub fn new(content: impl Into<String>) -> Self {
        Self { content: content.into(), whatsapp_approved: false }
    }

    /// Says that WhatsApp has approved this text, so that it can open a conversation there.
    ///
    /// ```
    /// assert!(frontgate_sdk::Template::new("Hello Mora!").whatsapp_approved().whatsapp_approved);
    /// ```
    pub fn whatsapp_approved(mut self) -> Self {
        self.whatsapp_approved = true;
        self
    }
}

impl Category {
    /// Templates under a heading.
    ///
    /// ```
    /// use frontgate_sdk::{Category, Template};
    ///
    /// let category = Category::new("Greetings", [Template::new("Hello Mora!"), Template::new("Hi Mora!")]);
    /// assert_eq!(category.templates.len(), 2);
    /// ```
    pub fn new(display_name: impl Into<String>, templates: impl IntoIterator<Item = Template>) -> Self {
        Self { display_name: display_name.into(), templates: templates.into_iter().collect() }
    }
}

//! The role `templates`: message templates, rendered for one customer.

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
    /// Returns the templates for this customer, or [`Error::NotFound`](crate::Error::NotFound) if this worker may not
    /// see the customer.
    fn list_templates(request: TemplateRequest) -> Result<Vec<Category>>;
}

impl<T: Templates> Guest for T {
    fn list_templates(request: TemplateRequest) -> Result<Vec<Category>> {
        T::list_templates(request)
    }
}

impl TemplateRequest {
    /// Creates a worker's request, for tests.
    ///
    /// ```
    /// let request = frontgate_sdk::TemplateRequest::new("ana@example.org").customer("7");
    /// assert_eq!(request.customer_id.as_deref(), Some("7"));
    /// ```
    pub fn new(worker: impl Into<String>) -> Self {
        Self { worker: worker.into(), customer_id: None, conversation_sid: None }
    }

    /// Sets the customer of the conversation.
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
    /// Creates a template from its final text, without placeholders.
    ///
    /// ```
    /// let template = frontgate_sdk::Template::new("Hello Mora!");
    /// assert!(!template.whatsapp_approved);
    /// ```
    pub fn new(content: impl Into<String>) -> Self {
        Self { content: content.into(), whatsapp_approved: false }
    }

    /// Marks the text as approved by WhatsApp, so that it can start a conversation there.
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
    /// Creates a category from its heading and templates.
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

//! Builders for templates, and for messages that are written from them.

use crate::channel::{
    Template, TemplatePage, TemplateStatus, TemplateUse, TemplateVariable, VariableKind, VariableValue,
};

impl Template {
    /// Creates a template. Its variables are those of the body, such as `{{1}}`, with the key as label.
    ///
    /// ```
    /// use frontgate_sdk::channel::{Template, TemplateStatus};
    ///
    /// let template = Template::new("HX1", "order", "en", "Hello {{1}}!", TemplateStatus::Approved);
    /// assert_eq!(template.variables[0].key, "1");
    /// ```
    pub fn new(
        id: impl Into<String>,
        name: impl Into<String>,
        language: impl Into<String>,
        body: impl Into<String>,
        status: TemplateStatus,
    ) -> Self {
        let body = body.into();
        let mut variables: Vec<TemplateVariable> = Vec::new();
        for (key, _) in body.split("{{").skip(1).filter_map(|part| part.split_once("}}")) {
            let key = key.trim();
            if !key.is_empty() && variables.iter().all(|known| known.key != key) {
                let (key, name) = (key.to_owned(), key.to_owned());
                variables.push(TemplateVariable { key, name, kind: VariableKind::Text });
            }
        }
        Self { id: id.into(), name: name.into(), language: language.into(), body, status, variables }
    }
}

impl TemplatePage {
    /// Creates the last page.
    ///
    /// ```
    /// let page = frontgate_sdk::channel::TemplatePage::last([]);
    /// assert_eq!(page.next_page_token, None);
    /// ```
    pub fn last(templates: impl IntoIterator<Item = Template>) -> Self {
        Self { templates: templates.into_iter().collect(), next_page_token: None }
    }

    /// Sets the token of the next page.
    ///
    /// ```
    /// let page = frontgate_sdk::channel::TemplatePage::last([]).then("2");
    /// assert_eq!(page.next_page_token.as_deref(), Some("2"));
    /// ```
    pub fn then(mut self, next_page_token: impl Into<String>) -> Self {
        self.next_page_token = Some(next_page_token.into());
        self
    }
}

impl TemplateUse {
    /// Creates the use of a template without variables, for tests.
    ///
    /// ```
    /// let used = frontgate_sdk::channel::TemplateUse::new("HX1", "en");
    /// assert!(used.values.is_empty());
    /// ```
    pub fn new(id: impl Into<String>, language: impl Into<String>) -> Self {
        Self { id: id.into(), language: language.into(), values: Vec::new() }
    }

    /// Adds the value of a variable.
    ///
    /// ```
    /// let used = frontgate_sdk::channel::TemplateUse::new("HX1", "en").value("1", "Mora");
    /// assert_eq!(used.values[0].value, "Mora");
    /// ```
    pub fn value(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.values.push(VariableValue { key: key.into(), value: value.into() });
        self
    }
}

//! Templates as plugins list them, in the form that is stored.
//!
//! The contract's types are converted here, so stored templates do not depend on the version of the contract.

use frontgate_contract::bindings::channel;
use frontgate_front::api;
use frontgate_front::html::Html;
use frontgate_front::templates::{Pattern, TEXT_BYTES_MAX};
use serde::{Deserialize, Serialize};

use crate::provider_event::ID_BYTES_MAX;

/// Maximum bytes of a name, a language, or a variable's label.
const NAME_BYTES_MAX: usize = 1_024;

/// Maximum number of variables.
const VARIABLES_MAX: usize = 100;

/// Style of the preview, which Front shows without its own.
const PREVIEW_STYLE: &str = "white-space: pre-wrap";

/// A template of a provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ListedTemplate {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) language: String,
    pub(crate) body: String,
    pub(crate) status: api::TemplateStatus,
    pub(crate) variables: Vec<api::Variable>,
}

impl ListedTemplate {
    /// Converts a template of a plugin; `None` for one that cannot be stored or shown.
    pub(crate) fn of(template: channel::Template) -> Option<Self> {
        let channel::Template { id, name, language, body, status, variables } = template;
        let fits = |text: &str, max: usize| !text.trim().is_empty() && text.len() <= max;
        let labels = variables.iter().all(|one| fits(&one.key, NAME_BYTES_MAX) && one.name.len() <= NAME_BYTES_MAX);
        let is_valid = fits(&id, ID_BYTES_MAX)
            && fits(&name, NAME_BYTES_MAX)
            && fits(&body, TEXT_BYTES_MAX)
            && language.len() <= NAME_BYTES_MAX
            && variables.len() <= VARIABLES_MAX
            && labels;
        is_valid.then(|| Self {
            id,
            name,
            language,
            body,
            status: match status {
                channel::TemplateStatus::Pending => api::TemplateStatus::Pending,
                channel::TemplateStatus::Approved => api::TemplateStatus::Approved,
                channel::TemplateStatus::Rejected => api::TemplateStatus::Rejected,
            },
            variables: variables.into_iter().map(variable).collect(),
        })
    }

    /// Returns the fields for Front.
    pub(crate) fn for_front(&self) -> api::Template {
        let name = match self.language.trim() {
            "" => self.name.clone(),
            language => format!("{} ({language})", self.name),
        };
        let preview = Html::of_text(&self.body);
        api::Template {
            name,
            blurb: self.body.clone(),
            is_disabled: self.status != api::TemplateStatus::Approved,
            status_name: self.status,
            variable_mappings: self.variables.clone(),
            template_preview: format!("<div style=\"{PREVIEW_STYLE}\">{}</div>", preview.filled(false)),
        }
    }

    /// Returns whether a text can be sent as this template: it is approved, and each variable is in its body.
    pub(crate) fn is_sendable(&self) -> bool {
        let pattern = Pattern::of(&self.body);
        let keys = pattern.keys();
        self.status == api::TemplateStatus::Approved
            && self.variables.iter().all(|one| keys.contains(&one.uid.as_str()))
    }
}

fn variable(variable: channel::TemplateVariable) -> api::Variable {
    let kind = match variable.kind {
        channel::VariableKind::Text => api::VariableKind::Text,
        channel::VariableKind::File => api::VariableKind::File,
        channel::VariableKind::Image => api::VariableKind::Image,
        channel::VariableKind::Video => api::VariableKind::Video,
    };
    let name = if variable.name.trim().is_empty() { variable.key.clone() } else { variable.name };
    api::Variable { uid: variable.key, name, kind }
}

//! Operators' view of a channel's templates: as the plugin listed them last, compared with what Front has.

use frontgate_front::api::TemplateStatus;
use frontgate_store::values;
use serde::Serialize;

use super::QueueAdmin;
use super::channels::ChannelSummary;
use crate::store::front::{StoredTemplate, TEMPLATES, stored_template};

/// A template of a channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChannelTemplate {
    /// The id of the plugin.
    pub id: String,
    /// The name; of a template that is gone, as Front shows it.
    pub name: String,
    /// The language; empty if the plugin names none, or the template is gone.
    pub language: String,
    /// The provider's approval; `None` if the template is gone.
    pub approval: Option<&'static str>,
    /// Whether Front has it as it was listed.
    pub in_front: InFront,
}

/// How the template in Front compares with the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum InFront {
    /// Front has the template as it was listed.
    Synchronized,
    /// Front does not have the template or its last change yet.
    Waiting,
    /// The plugin no longer lists the template, and Front has not disabled it yet.
    Gone,
}

impl InFront {
    /// Returns the name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Synchronized => "synchronized",
            Self::Waiting => "waiting",
            Self::Gone => "gone",
        }
    }
}

impl From<StoredTemplate> for ChannelTemplate {
    fn from(StoredTemplate { id, listed, in_front }: StoredTemplate) -> Self {
        let Some(listed) = listed else {
            let name = in_front.map(|known| known.name).unwrap_or_default();
            return Self { id, name, language: String::new(), approval: None, in_front: InFront::Gone };
        };
        let is_synchronized = in_front.is_some_and(|known| known == listed.for_front());
        let approval = match listed.status {
            TemplateStatus::Pending => "pending",
            TemplateStatus::Approved => "approved",
            TemplateStatus::Rejected => "rejected",
        };
        Self {
            id,
            name: listed.name,
            language: listed.language,
            approval: Some(approval),
            in_front: if is_synchronized { InFront::Synchronized } else { InFront::Waiting },
        }
    }
}

impl QueueAdmin {
    /// Returns the templates of a channel, sorted by id.
    pub fn templates(&self, channel: &ChannelSummary) -> anyhow::Result<Vec<ChannelTemplate>> {
        let stored = self.database.read(|read| read.rows(TEMPLATES, values![channel.id], stored_template))?;
        Ok(stored.into_iter().map(ChannelTemplate::from).collect())
    }
}

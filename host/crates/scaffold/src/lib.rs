//! How a plugin begins: a project in the author's language, the contract as files, bindings, and the last step
//! from a core module to a component. Nothing here knows the gateway.

mod bindings;
mod component;
mod contract;
mod embedded;
mod files;
mod marks;
mod name;
mod project;
mod sdk;
mod typescript;

pub use self::bindings::{Bindings, write_bindings};
pub use self::component::componentize;
pub use self::contract::{PROJECT_WORLD, World, write_contract};
pub use self::project::write_project;

/// What a project can be written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Language {
    Rust,
    Python,
    #[value(name = "javascript")]
    JavaScript,
    #[value(name = "typescript")]
    TypeScript,
    C,
    Go,
}

impl Language {
    /// The folder of its starter.
    fn folder(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::Python => "python",
            Self::JavaScript => "javascript",
            Self::TypeScript => "typescript",
            Self::C => "c",
            Self::Go => "go",
        }
    }
}

/// What a plugin can answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Role {
    Crm,
    Templates,
    Outgoing,
    Routing,
    Conversations,
    Channel,
}

impl Role {
    const ALL: [Self; 6] =
        [Self::Crm, Self::Templates, Self::Outgoing, Self::Routing, Self::Conversations, Self::Channel];

    /// As the contract has it.
    fn name(self) -> &'static str {
        match self {
            Self::Crm => "crm",
            Self::Templates => "templates",
            Self::Outgoing => "outgoing",
            Self::Routing => "routing",
            Self::Conversations => "conversations",
            Self::Channel => "channel",
        }
    }

    /// The role of this name.
    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

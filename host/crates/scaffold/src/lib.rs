//! Creates projects for new plugins: starters in six languages, the contract's WIT, bindings, components.
//!
//! This crate never loads or runs a plugin, and depends on no other crate of the gateway. All files that it writes are
//! embedded in the program by `build.rs`, so authors need no network.
//!
//! - [`write_project`] fills in a starter for a [`Language`] and a set of [`Role`]s.
//! - [`write_contract`] writes the contract, and [`write_bindings`] writes [`Bindings`] for a [`World`] of WIT.
//! - [`componentize`] converts a core module to a component.

mod bindings;
mod component;
mod contract;
mod embedded;
mod files;
mod name;
mod project;
mod sdk;
mod template;
mod typescript;

pub use self::bindings::{Bindings, write_bindings};
pub use self::component::componentize;
pub use self::contract::{PROJECT_WORLD, World, write_contract};
pub use self::project::write_project;

/// The language of a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Language {
    /// Rust, with `frontgate-sdk`
    Rust,
    /// Python, with componentize-py
    Python,
    /// JavaScript, with componentize-qjs
    #[value(name = "javascript")]
    JavaScript,
    /// TypeScript, with componentize-qjs
    #[value(name = "typescript")]
    TypeScript,
    /// C, with wasi-sdk
    C,
    /// Go, with wit-bindgen
    Go,
}

impl Language {
    /// Returns the folder of the language in `host/starters`.
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

/// A role of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Role {
    /// Lists and finds customers
    Crm,
    /// Suggests message templates
    Templates,
    /// Chooses the number of an outgoing conversation
    Outgoing,
    /// Assigns conversations to workers
    Routing,
    /// Handles webhooks of Twilio Conversations
    Conversations,
    /// Connects a messaging provider to Front
    Channel,
    /// Logs calls that have ended
    Calls,
    /// Reports all customers for the gateway's index
    CrmSource,
}

impl Role {
    const ALL: [Self; 8] = [
        Self::Crm,
        Self::Templates,
        Self::Outgoing,
        Self::Routing,
        Self::Conversations,
        Self::Channel,
        Self::Calls,
        Self::CrmSource,
    ];

    /// Returns the name of the role in the contract.
    fn name(self) -> &'static str {
        match self {
            Self::Crm => "crm",
            Self::Templates => "templates",
            Self::Outgoing => "outgoing",
            Self::Routing => "routing",
            Self::Conversations => "conversations",
            Self::Channel => "channel",
            Self::Calls => "calls",
            Self::CrmSource => "crm-source",
        }
    }

    /// Returns the role with this name.
    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

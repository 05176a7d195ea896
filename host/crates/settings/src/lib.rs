//! Building blocks of the sections of `config.toml`: secrets by reference, limits with overrides, diagnostics.
//!
//! Each crate owns its section as a struct, which is the only place for the facts about a key:
//!
//! - its doc comment is the sentence in the reference page,
//! - `#[default]` (smart-default) is its default,
//! - `#[schemars(range(min = .., max = ..))]` is the range in which it can work,
//! - `#[schemars(extend("x-restart" = true))]`, on a field or a whole section, says that a change needs a restart.
//!
//! `frontgate-config` composes the sections and derives the rest from their JSON schema. This crate knows no section.

mod diagnostic;
mod secret;

use std::fs::File;
use std::io;
use std::path::Path;

pub use self::diagnostic::{Diagnostic, Diagnostics};
pub use self::secret::{Secret, mask_user_info};

/// Opens a file that the configuration names, with or without a check of its owner.
pub type Open = fn(&Path) -> io::Result<File>;

/// Opens a file without a check of its owner.
pub fn open_as_is(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// Defines limits as two structs: complete with defaults, and the optional overrides of one plugin.
#[macro_export]
macro_rules! limits {
    (
        #[doc = $whole_doc:literal] $whole:ident,
        #[doc = $own_doc:literal] $own:ident,
        $($(#[$meta:meta])+ $name:ident: $type:ty = $default:expr,)+
    ) => {
        #[doc = $whole_doc]
        #[derive(Debug, Clone, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields, default)]
        pub struct $whole {
            $($(#[$meta])+ pub $name: $type,)+
        }

        impl Default for $whole {
            fn default() -> Self {
                Self { $($name: $default,)+ }
            }
        }

        #[doc = $own_doc]
        #[derive(Debug, Default, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields, default)]
        pub struct $own {
            $($(#[$meta])+ pub $name: Option<$type>,)+
        }

        impl $own {
            /// Whether no limit differs.
            pub fn is_empty(&self) -> bool {
                $(self.$name.is_none() &&)+ true
            }
        }

        impl $whole {
            /// Returns these limits with the overrides of a plugin applied.
            pub fn with(&self, own: &$own) -> Self {
                Self { $($name: own.$name.unwrap_or(self.$name),)+ }
            }
        }
    };
}

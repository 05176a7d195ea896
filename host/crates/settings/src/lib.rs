//! Building blocks for the sections of `config.toml`: secrets by reference, limits with overrides, diagnostics.
//!
//! Each crate owns its section as a struct, which is the only definition of a key:
//!
//! - the doc comment of a field is its description in the reference page,
//! - `#[default]` (smart-default) is the default,
//! - `#[schemars(range(min = .., max = ..))]` is the valid range,
//! - `#[schemars(extend("x-restart" = true))]`, on a field or a whole section, means that a change needs a restart.
//!
//! `frontgate-config` combines the sections and derives the rest from their JSON schema. This crate depends on no
//! section.

mod diagnostic;
mod secret;

use std::fs::File;
use std::io;
use std::path::Path;

pub use self::diagnostic::{Diagnostic, Diagnostics};
pub use self::secret::{Secret, mask_user_info};

/// Function that opens a file named in the configuration, with or without a check of the file's owner.
pub type Open = fn(&Path) -> io::Result<File>;

/// Opens a file without checking its owner.
pub fn open_as_is(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// Defines two structs for limits: a complete one with defaults, and one with the optional overrides of a plugin.
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
            /// Returns whether no limit is overridden.
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

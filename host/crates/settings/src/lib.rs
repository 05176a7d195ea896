//! What sections of `config.toml` are made of: secrets by reference, limits with overrides, and faults with a fix.

pub mod fault;
pub mod secret;

use std::fs::File;
use std::io;
use std::path::Path;

pub use self::fault::{Fault, Faults};
pub use self::secret::Secret;

/// Opens a file that the configuration names: with a check of who else may write to it, or without.
pub type Open = fn(&Path) -> io::Result<File>;

/// Opens a file without a check of its owner.
pub fn open_as_is(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// Writes limits twice: whole, with defaults, and as what a plugin overrides.
#[macro_export]
macro_rules! limits {
    (
        #[doc = $whole_doc:literal] $whole:ident,
        #[doc = $own_doc:literal] $own:ident,
        $($(#[doc = $doc:literal])+ $name:ident: $type:ty = $default:expr,)+
    ) => {
        #[doc = $whole_doc]
        #[derive(Debug, Clone, serde::Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct $whole {
            $($(#[doc = $doc])+ pub $name: $type,)+
        }

        impl Default for $whole {
            fn default() -> Self {
                Self { $($name: $default,)+ }
            }
        }

        #[doc = $own_doc]
        #[derive(Debug, Default, serde::Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct $own {
            $($(#[doc = $doc])+ pub $name: Option<$type>,)+
        }

        impl $whole {
            /// These limits, with the plugin's own in their place.
            pub fn with(&self, own: &$own) -> Self {
                Self { $($name: own.$name.unwrap_or(self.$name),)+ }
            }
        }
    };
}

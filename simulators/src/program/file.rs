//! A file of a message, as an argument.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};

use crate::common::upload::Upload;

/// The argument of commands that send messages.
#[derive(Debug, clap::Args)]
pub(super) struct Attached {
    /// A file to send with the message.
    #[arg(long, value_name = "PATH")]
    file: Option<PathBuf>,
}

impl Attached {
    /// Returns the fields of the control API, none without a file.
    pub(super) fn fields(&self) -> Result<Vec<(&'static str, String)>> {
        let Some(path) = &self.file else { return Ok(Vec::new()) };
        let content = fs::read(path).with_context(|| format!("failed to read {}", path.display()))?;
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Ok(Upload::fields(&name, &content).into())
    }
}

//! A private temporary directory, which is removed on drop.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;

use anyhow::Context as _;
use tempfile::TempDir;

/// Creates a directory that only this user can read.
pub fn temp_dir() -> anyhow::Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("frontgate-").permissions(Permissions::from_mode(0o700));
    builder.tempdir().context("failed to create a temporary directory")
}

//! A real browser for the tests of pages: Debian's Chromium, and `chromedriver`, which drives it.

use anyhow::{Result, ensure};

use crate::tools::{add, found};

/// Installs what is missing.
pub(crate) fn install() -> Result<()> {
    if found("chromium") && found("chromedriver") {
        return Ok(());
    }
    ensure!(found("apt-get"), "the tests need Chromium; install it so that `chromium` and `chromedriver` are in PATH");
    add(&["chromium", "chromium-driver"])
}

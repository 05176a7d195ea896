//! Certificate authorities in PEM files.

use std::path::Path;

use anyhow::{Context as _, bail};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

/// The certificates of a PEM file.
pub fn authorities(file: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let read = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let all = read.with_context(|| format!("reading {}", file.display()))?;
    if all.is_empty() {
        bail!("there is no certificate in {}", file.display());
    }
    Ok(all)
}

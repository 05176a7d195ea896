//! The test suite of a plugin: the author's cases and the checks of the contract.

use super::check_result::CheckResult;
use super::harness::Harness;
use super::{cases, conformance};

/// The selection of checks to run.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// The only case to run; `None` for all cases.
    pub case: Option<String>,
    /// Whether to skip the checks of the contract.
    pub no_conformance: bool,
}

/// Runs the selected checks, one after another.
pub async fn check(harness: &Harness, choice: &Selection) -> anyhow::Result<Vec<CheckResult>> {
    let mut all = cases::check(harness, choice.case.as_deref()).await?;
    if choice.case.is_none() && !choice.no_conformance {
        all.extend(conformance::check(harness).await);
    }
    Ok(all)
}

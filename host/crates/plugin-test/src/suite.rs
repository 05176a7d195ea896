//! The test suite of a plugin: the author's cases, the checks of the contract, and the comparison of used instances.

use super::check_result::CheckResult;
use super::fixtures::InstanceKind;
use super::harness::Harness;
pub use super::reuse::Marked;
use super::{cases, conformance, reuse};

/// The selection of checks to run.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// The only case to run; `None` for all cases.
    pub case: Option<String>,
    /// Whether to skip the checks of the contract.
    pub no_conformance: bool,
    /// The seed of the shuffled orders; `None` for another one each time.
    pub seed: Option<u64>,
}

impl Selection {
    fn is_whole(&self) -> bool {
        self.case.is_none() && !self.no_conformance
    }
}

/// Runs the selected checks, one after another. If all checks run and the project says that the plugin is reusable,
/// writes the mark into its file, or removes it.
pub async fn check(harness: &Harness, choice: &Selection) -> anyhow::Result<(Vec<CheckResult>, Option<Marked>)> {
    let mut all = cases::check(harness, choice.case.as_deref()).await?;
    if !choice.is_whole() {
        return Ok((all, None));
    }
    all.extend(conformance::check(harness, InstanceKind::Fresh).await);
    if !harness.project.reusable {
        return Ok((all, None));
    }
    let compared = reuse::check(harness, &all, choice.seed).await?;
    all.extend(compared);
    let marked = reuse::mark(harness, &all)?;
    Ok((all, Some(marked)))
}

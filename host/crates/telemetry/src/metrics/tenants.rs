//! Bounds the number of tenants in labels, because each is many series of Prometheus.

use std::collections::BTreeSet;
use std::sync::Arc;

use parking_lot::RwLock;

/// Tenants with labels of their own. Those that are seen later share the label `other`.
pub const TENANTS_MAX: usize = 100;

/// Label of tenants beyond [`TENANTS_MAX`].
const OTHER: &str = "other";

/// Label of a request that belongs to no tenant.
const NONE: &str = "-";

/// The tenants that have a label of their own until the end of the process.
#[derive(Debug)]
pub struct TenantLabels(RwLock<BTreeSet<Arc<str>>>);

/// The tenants of this process.
pub static TENANTS: TenantLabels = TenantLabels::new();

impl TenantLabels {
    const fn new() -> Self {
        Self(RwLock::new(BTreeSet::new()))
    }

    /// Returns the label of a tenant, or of no tenant.
    pub fn label(&self, tenant: Option<&str>) -> Arc<str> {
        let Some(tenant) = tenant else { return NONE.into() };
        if let Some(known) = self.0.read().get(tenant) {
            return Arc::clone(known);
        }
        let mut known = self.0.write();
        if known.len() >= TENANTS_MAX && !known.contains(tenant) {
            return OTHER.into();
        }
        let label: Arc<str> = tenant.into();
        known.insert(Arc::clone(&label));
        label
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenants_beyond_the_limit_share_a_label() {
        let labels = TenantLabels::new();
        for number in 0..TENANTS_MAX {
            assert_eq!(&*labels.label(Some(&format!("tenant-{number}"))), format!("tenant-{number}"));
        }
        assert_eq!(["tenant-0", "tenant-100"].map(|name| labels.label(Some(name)).to_string()), ["tenant-0", OTHER]);
        assert_eq!(&*labels.label(None), NONE);
    }
}

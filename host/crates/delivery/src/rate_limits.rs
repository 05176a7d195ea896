//! The rate limits of all tenants and apps. They outlive a reload of the configuration: a burst is not granted again, and
//! a pause that a platform asked for continues.

use std::collections::HashMap;
use std::sync::Arc;

use frontgate_replicas::{Part, Turn};
use parking_lot::Mutex;

use super::front_client::AppRateLimit;
use super::rate_limit::TenantRateLimit;
use super::store::Store;

/// All rate limits of a gateway.
#[derive(Default)]
pub struct RateLimits(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    tenants: HashMap<Arc<str>, Arc<TenantRateLimit>>,
    /// By tenant and name of the app.
    apps: HashMap<(Arc<str>, String), Arc<AppRateLimit>>,
    /// The term in which this gateway last worked on each part.
    terms: HashMap<(Arc<str>, Part), i64>,
}

impl RateLimits {
    /// Returns the limit of a tenant's requests to Twilio, with this rate from now on.
    pub(super) fn of_tenant(&self, tenant: &Arc<str>, per_second: u32) -> Arc<TenantRateLimit> {
        let mut inner = self.0.lock();
        let limit = inner.tenants.entry(Arc::clone(tenant));
        let limit = limit.or_insert_with(|| Arc::new(TenantRateLimit::new(per_second)));
        limit.set_rate(per_second);
        Arc::clone(limit)
    }

    /// Returns the limit of an app's calls to Front, with this rate from now on.
    pub(super) fn of_app(&self, tenant: &Arc<str>, app: &str, per_second: u32) -> Arc<AppRateLimit> {
        let mut inner = self.0.lock();
        let limit = inner.apps.entry((Arc::clone(tenant), app.to_owned()));
        let limit = limit.or_insert_with(|| Arc::new(AppRateLimit::new(per_second)));
        limit.set_rate(per_second);
        Arc::clone(limit)
    }

    /// Returns the calls to Front that each app's company has left, as far as Front's last numbers are valid: tenant, name
    /// of the app, and calls.
    pub fn front_calls_left(&self) -> Vec<(Arc<str>, String, u32)> {
        let inner = self.0.lock();
        let left = inner
            .apps
            .iter()
            .filter_map(|((tenant, app), limit)| Some((Arc::clone(tenant), app.clone(), limit.left()?)));
        left.collect()
    }

    /// Continues where the previous keeper of a part has stopped, at the first turn of each term.
    pub(super) fn take_over(&self, store: &Store, tenant: &Arc<str>, turn: &Turn, part: Part) {
        if turn.replica.is_none() {
            return;
        }
        let mut inner = self.0.lock();
        if inner.terms.insert((Arc::clone(tenant), part), turn.fence) == Some(turn.fence) {
            return;
        }
        let pauses = store.replica().pauses(tenant, part);
        match part {
            Part::Twilio => inner.tenants.get(tenant).into_iter().for_each(|limit| limit.take_over(pauses.all)),
            Part::Front => {
                for ((owner, _), limit) in &inner.apps {
                    if owner == tenant {
                        limit.take_over(&pauses);
                    }
                }
            }
            Part::Customers | Part::House => {}
        }
    }
}

//! Requests of plugins that a simulation holds back: everything that could change something at a real service.
//!
//! A simulation runs the company's plugins with the company's keys. Requests to simulated platforms are redirected by the
//! address override, and GET and HEAD are sent as usual. All other requests are recorded here and never sent, also those
//! for access tokens, because an authorization server may replace the refresh token.

use std::collections::VecDeque;
use std::fmt;
use std::time::SystemTime;

use hyper::Method;
use parking_lot::Mutex;

use super::destination::Destination;
use super::failure::Rejection;
use super::network::Network;
use crate::receipt::millis;

/// Requests that are remembered; the oldest are dropped.
const HELD_MAX: usize = 200;

/// Requests that were held back.
#[derive(Default)]
pub struct HeldRequests {
    held: Mutex<VecDeque<HeldRequest>>,
}

/// A request that was not sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldRequest {
    /// Time in milliseconds since 1970.
    pub time_ms: u64,
    /// Name of the plugin.
    pub plugin: String,
    /// The method.
    pub method: String,
    /// Scheme, host and port.
    pub site: String,
    /// The path without the query.
    pub path: String,
    /// Size of the body; `None` if it is not known before it is sent.
    pub bytes: Option<u64>,
}

impl HeldRequests {
    /// Returns the last requests, oldest first.
    pub fn all(&self) -> Vec<HeldRequest> {
        self.held.lock().iter().cloned().collect()
    }

    fn add(&self, request: HeldRequest) {
        let mut held = self.held.lock();
        if held.len() >= HELD_MAX {
            held.pop_front();
        }
        held.push_back(request);
    }
}

impl fmt::Debug for HeldRequests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HeldRequests({})", self.held.lock().len())
    }
}

impl Network {
    /// Holds back a request to a real service unless it only reads. Every request passes here before a connection is
    /// used or opened for it.
    pub(super) fn hold(
        &self,
        plugin: &str,
        method: &Method,
        (to, path): (&Destination, &str),
        bytes: Option<u64>,
    ) -> Result<(), Rejection> {
        let Some(held) = self.held_requests() else { return Ok(()) };
        if matches!(*method, Method::GET | Method::HEAD) || self.address_override(to).is_some() {
            return Ok(());
        }
        held.add(HeldRequest {
            time_ms: millis(SystemTime::now()),
            plugin: plugin.to_owned(),
            method: method.to_string(),
            site: to.to_string(),
            path: path.to_owned(),
            bytes,
        });
        Err(Rejection::Held { method: method.clone(), host: to.host().to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};
    use std::sync::Arc;

    use super::*;
    use crate::outbound::network::NetworkOverrides;
    use crate::settings::Plugins;

    #[test]
    fn only_reading_and_redirected_requests_pass() {
        let held = Arc::new(HeldRequests::default());
        let simulator = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
        let overrides = NetworkOverrides {
            address_override: Some(Arc::new(move |site| (site == "https://twilio.test").then_some(Ok(simulator)))),
            held_requests: Some(Arc::clone(&held)),
            ..Default::default()
        };
        let network = Network::new(&Plugins::default(), &overrides);
        let (crm, _) = Destination::target("https://crm.test/").expect("a URL");
        let (twilio, _) = Destination::target("https://twilio.test/").expect("a URL");
        let passes = |method: Method, to: &Destination| network.hold("p", &method, (to, "/contacts"), Some(2)).is_ok();
        for method in [Method::GET, Method::HEAD] {
            assert!(passes(method.clone(), &crm), "{method}");
        }
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS] {
            assert!(!passes(method.clone(), &crm), "{method}");
            assert!(passes(method, &twilio));
        }
        let first = held.all().remove(0);
        assert_eq!((&*first.method, &*first.site, &*first.path), ("POST", "https://crm.test", "/contacts"));
        assert_eq!(held.all().len(), 5);
    }
}

//! Tests of the requests of a trial start.

use http_body_util::{BodyExt as _, Empty};

use super::*;
use crate::call_record::CallRecords;
use crate::outbound::destination::Destination;
use crate::outbound::network::{Network, NetworkOverrides};
use crate::outbound::outgoing::Timeouts;
use crate::settings::{Named, Plugins};

#[tokio::test]
async fn a_trial_start_sends_no_requests() {
    let named: Named = toml::from_str("outbound = [\"http://localhost\"]").expect("a configuration");
    let network = Arc::new(Network::new(&Plugins::default(), &NetworkOverrides::default()));
    let egress = Arc::new(Egress::new(&"p".into(), Some(&named), &network));
    let caller = Caller { tenant: "-".into(), request: "trial".into(), share: None, records: CallRecords::default() };
    let requests = Requests::new(&egress, &Limits::default(), &caller, None, None);
    let sent = requests.send(Outgoing {
        target: Destination::target("http://localhost/"),
        method: Method::GET,
        with_secrets: true,
        headers: HeaderMap::new(),
        repeated: None,
        body: Empty::new().map_err(|never| match never {}).boxed_unsync(),
        file: None,
        timeouts: Timeouts::default(),
    });
    assert!(matches!(sent.await, Err(Failure::Rejected(Rejection::Trial))));
    assert_eq!(requests.used().requests, 1);
}

//! The control API below `/_control`, for people and programs.

use std::time::Duration;

use hyper::Method;
use serde_json::{Value, json};

use crate::common::fault;
use crate::common::reply::Reply;
use crate::crm::fault::Action;
use crate::crm::state::{Shared, State};

/// The help text of the control API, which the program also shows.
pub(crate) const HELP: &str = "\
POST /_control/fault       action (500, 503, 429, 401, 403, slow, hang, close, half, garbage, wrong-type, truncated,
                        too-large), [call (list, contact), times, number (of seconds, ms or bytes)]
POST /_control/faults-off
POST /_control/rate        requests, seconds
GET  /_control/log         recorded requests
";

pub(crate) fn answer(shared: &Shared, method: &Method, path: &str, form: &[(String, String)]) -> Reply {
    let field = |name: &str| form.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str());
    let outcome = match (method.as_str(), path.trim_start_matches("/_control")) {
        ("GET", "/log") => return Reply::new(200, shared.state.read(State::to_string)),
        ("POST", "/fault") => {
            let known = Action::named_all(field("number").parse().ok());
            let fault = fault::parse(&field, &known, "place");
            fault.map(|fault| shared.state.update(|state| state.add_fault(fault)))
        }
        ("POST", "/faults-off") => {
            shared.state.update(State::forget_faults);
            Ok(())
        }
        ("POST", "/rate") => rate(&field).map(|(requests, window)| {
            shared.state.update(|state| state.limit.set(requests, window));
        }),
        _ => return Reply::new(404, HELP),
    };
    let (status, answer): (u16, Value) = match outcome {
        Ok(()) => (200, json!({})),
        Err(words) => (409, json!({ "error": words })),
    };
    Reply::new(status, format!("{answer}\n"))
}

fn rate<'f>(field: &impl Fn(&str) -> &'f str) -> Result<(u32, Duration), String> {
    let requests = field("requests").parse().map_err(|_| "requests must be a number")?;
    let seconds = field("seconds").parse().ok().filter(|seconds| (1..=86_400).contains(seconds));
    Ok((requests, Duration::from_secs(seconds.ok_or("seconds must be a number up to 86400")?)))
}

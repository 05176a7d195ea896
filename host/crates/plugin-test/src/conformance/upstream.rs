//! What a CRM does when the system behind it fails: it says so, and shows no empty list instead.

use frontgate_contract::bindings::crm::{ListRequest, Position};
use frontgate_runtime::CallError;

use super::{Problem, Tries, Verdict};
use crate::stage::{Act, Fault};

const NOT_JSON: &str = "<html>we will be back soon</html>";

/// Asks while upstreams fail in each way; only where requests are sent at all.
pub(super) async fn check(tries: &Tries<'_>, known: Option<&str>) {
    if !tries.sends_requests() {
        return;
    }
    let always = |status| Act::Always { status, body: NOT_JSON };
    for (act, name) in [
        (always(503), "an upstream that is down (503) is an error, and no empty list"),
        (always(500), "an upstream that fails (500) is an error, and no empty list"),
        (always(429), "an upstream that has had enough (429) is an error, and no empty list"),
        (always(401), "an upstream that refuses the token (401) is an error, and no empty list"),
        (always(200), "an upstream that answers with another thing than it should is an error, and no crash"),
        (Act::Failing(Fault::NotConnected), "an upstream that is not there is an error, and no empty list"),
        (Act::Failing(Fault::Interrupted), "an upstream whose answer breaks off is an error, and no empty list"),
        (Act::Failing(Fault::Timeout), "an upstream that hangs is an error, in time"),
    ] {
        tries.check_in(act, name, async |tries| ask(tries, known).await).await;
    }
}

async fn ask(tries: &Tries<'_>, known: Option<&str>) -> Verdict {
    let request = ListRequest { worker: tries.worker(), page_size: 5, position: Position::First, query: None };
    let what = "crm.list-customers";
    said(what, tries.ask(what, async |call| call.list_customers(request).await).await?.map(drop))?;
    if let Some(id) = known {
        let (what, worker, id) = ("crm.get-customer", tries.worker(), id.to_owned());
        said(what, tries.ask(what, async |call| call.get_customer(worker, id).await).await?.map(drop))?;
    }
    Ok(())
}

/// A worker who sees nobody believes that there is nobody.
fn said(what: &str, result: Result<(), CallError>) -> Verdict {
    match result {
        Ok(()) => Err(Problem::Failed(format!(
            "{what} gave an answer as if all were well; say `unavailable` where trying again may help, and `failed` where \
             an operator has to look"
        ))),
        Err(CallError::NotFound) => Err(Problem::Failed(format!(
            "{what} said `not-found`, which it cannot know; say `unavailable` or `failed`"
        ))),
        Err(_) => Ok(()),
    }
}

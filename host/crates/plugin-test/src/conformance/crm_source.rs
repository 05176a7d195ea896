//! Conformance checks of the role `crm-source`.

mod agreement;
mod cursors;
mod enumeration;
mod fetch;

use frontgate_contract::Role;
use frontgate_contract::bindings::crm_source::{ChangeAnswer, News, Notification, SourceFacts};
use frontgate_runtime::CallError;

use self::enumeration::Enumeration;
use super::upstream;
use super::{Checker, Problem, Verdict, ensure};

/// Maximum number of customers in a batch, in the contract.
const BATCH_CUSTOMERS_MAX: u32 = 1_000;
/// The `limit` of the calls for which it does not matter.
const LIMIT: u32 = 100;

pub(super) async fn check(checker: &Checker<'_>) {
    let mut facts = None;
    checker
        .check("the facts are within the contract's limits", async |checker| {
            facts = Some(read_facts(checker).await?);
            Ok(())
        })
        .await;
    let limit = facts.map_or(LIMIT, |facts| facts.batch_size);
    let mut all = None;
    checker
        .check("all customers can be read from the beginning to the end", async |checker| {
            all = Some(Enumeration::read(checker, limit).await?);
            Ok(())
        })
        .await;
    if let Some(all) = &all {
        for (limit, name) in [
            (1, "a limit of 1 customer returns the same customers"),
            (7, "a limit of 7 customers returns the same customers"),
        ] {
            checker.check(name, async |checker| all.again(checker, limit).await).await;
        }
        checker.check("the same cursor returns the same customers", async |checker| all.repeat(checker).await).await;
        if facts.is_some_and(|facts| facts.is_incremental) {
            checker
                .check("without changes, a run ends after one call", async |checker| {
                    cursors::unchanged(checker, all, limit).await
                })
                .await;
        }
        checker.check("every team in `seen-by` is reported", async |_| all.teams_known()).await;
        checker.check("a customer can be fetched", async |checker| fetch::known(checker, all).await).await;
        checker
            .check("an unknown customer is missing in the answer of `fetch`", async |checker| {
                fetch::unknown(checker, all).await
            })
            .await;
        checker.check("100 customers can be fetched", async |checker| fetch::many(checker, all).await).await;
        if checker.harness.live.roles().contains(&Role::Crm) {
            checker
                .check("`crm.get-customer` and `fetch` return the same customer", async |checker| {
                    agreement::pages(checker, all).await
                })
                .await;
            checker
                .check("a worker's list shows the customers that `seen-by` names", async |checker| {
                    agreement::lists(checker, all).await
                })
                .await;
        }
    }
    checker.check("a cursor of another format is `cursor-expired`", cursors::foreign).await;
    checker.check("a request without the CRM's signature reports no news", forged).await;
    if let Some(facts) = facts {
        checker
            .check("a call makes at most `requests-per-call` requests", async |checker| requests(checker, facts))
            .await;
    }
    let id = all.as_ref().and_then(|all| all.ids().next());
    upstream::check(checker, async |checker| fails(checker, id).await).await;
}

async fn read_facts(checker: &Checker<'_>) -> Result<SourceFacts, Problem> {
    let facts = checker.call_ok("crm-source.facts", async |call| call.source_facts().await).await?;
    ensure((1..=BATCH_CUSTOMERS_MAX).contains(&facts.batch_size), || {
        format!("the batch-size is {}; the limits are 1 and {BATCH_CUSTOMERS_MAX}", facts.batch_size)
    })?;
    Ok(facts)
}

/// Asks for changes. Fails if the call returns an error.
async fn changes(checker: &Checker<'_>, what: &str, since: Option<&[u8]>, limit: u32) -> Result<ChangeAnswer, Problem> {
    let since = since.map(<[u8]>::to_vec);
    checker.call_ok(what, async |call| call.customer_changes(since, limit).await).await
}

async fn forged(checker: &Checker<'_>) -> Verdict {
    for (method, kind, body) in [
        ("POST", "application/json", &b"[{\"objectId\":7,\"id\":\"7\",\"ids\":[\"7\"]}]"[..]),
        ("POST", "application/json", b"{}"),
        ("POST", "application/x-www-form-urlencoded", b"id=7"),
        ("POST", "text/plain", b"\xff\xfe\x00"),
        ("POST", "application/json", b""),
        ("GET", "text/plain", b""),
    ] {
        let what = format!("crm-source.notified of {method} with {} bytes of {kind}", body.len());
        let notification = Notification {
            method: method.to_owned(),
            url: "https://gateway.example.net/hooks/customers".to_owned(),
            headers: vec![("content-type".to_owned(), kind.to_owned())],
            body: body.to_vec(),
        };
        let Ok(answer) = checker.call(&what, async |call| call.source_notified(notification).await).await? else {
            continue;
        };
        let status = answer.status;
        ensure((200..600).contains(&status), || format!("{what} returned status {status}; it must be 200 to 599"))?;
        ensure(matches!(answer.news, News::None), || {
            format!("{what} reported news although the request is not signed. Verify the CRM's signature first")
        })?;
    }
    Ok(())
}

fn requests(checker: &Checker<'_>, facts: SourceFacts) -> Verdict {
    let (most, what) = checker.most_requests.lock().clone();
    ensure(most <= facts.requests_per_call, || {
        format!(
            "{what} made {most} requests, more than requests-per-call ({}), by which the gateway keeps the CRM's rate \
             limit",
            facts.requests_per_call
        )
    })
}

/// Checks that a failure of the upstream is not reported as changes or as missing customers.
async fn fails(checker: &Checker<'_>, id: Option<&str>) -> Verdict {
    let what = "crm-source.changes";
    match checker.call(what, async |call| call.customer_changes(None, LIMIT).await).await? {
        Ok(ChangeAnswer::Busy(_)) => {}
        answer => upstream::is_error(what, answer.map(drop))?,
    }
    let Some(id) = id else { return Ok(()) };
    let (what, ids) = ("crm-source.fetch", vec![id.to_owned()]);
    let fetched = checker.call(what, async |call| call.fetch_customers(ids).await).await?;
    upstream::is_error(what, fetched.map(drop))
}

/// Returns the problem of an answer that is not a batch.
fn no_batch(what: &str, answer: &ChangeAnswer) -> Problem {
    match answer {
        ChangeAnswer::Busy(ms) => Problem::Skipped(format!("{what} returned `busy({ms})`")),
        _ => Problem::Failed(format!("{what} returned `cursor-expired` for a start or a cursor of its own")),
    }
}

/// Describes an error of a plugin.
fn describe(error: &CallError) -> String {
    let detail = error.detail().map(|detail| format!(": {detail}")).unwrap_or_default();
    format!("{}{detail}", error.code())
}

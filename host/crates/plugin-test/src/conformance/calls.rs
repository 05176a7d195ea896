//! Conformance checks of the role `calls`.

use frontgate_contract::bindings::calls::{Call, CallDirection, CallRecording};

use super::{Checker, UNKNOWN_ADDRESS, Verdict, ensure};

pub(super) async fn check(checker: &Checker<'_>) {
    checker.check("a call may be logged again", again).await;
    checker.check("every kind of call is answered", shapes).await;
}

/// Checks that a retry does not fail. The gateway calls again after a failure, even if the entry was written.
async fn again(checker: &Checker<'_>) -> Verdict {
    let what = "calls.log-call of the same call";
    let first = checker.call(what, async |call| call.log_call(whole(&checker.worker())).await).await?;
    let second = checker.call(what, async |call| call.log_call(whole(&checker.worker())).await).await?;
    ensure(first.is_err() || second.is_ok(), || {
        format!("{what} failed the second time, and the gateway retries after a failure; write the entry under its SID")
    })
}

async fn shapes(checker: &Checker<'_>) -> Verdict {
    let worker = checker.worker();
    let bare = Call {
        worker: None,
        customer_address: None,
        proxy_address: None,
        conversation_sid: None,
        participant_sid: None,
        started_at: None,
        duration_seconds: None,
        recording: None,
        ..whole(&worker)
    };
    let outbound = Call { direction: CallDirection::Outbound, status: "no-answer".to_owned(), ..whole(&worker) };
    let unknown = Call { status: "\u{1f98a}".to_owned(), ..whole(&worker) };
    for (what, call) in [("without details", bare), ("to a customer", outbound), ("with an unknown status", unknown)] {
        let what = format!("calls.log-call of a call {what}");
        let _ = checker.call(&what, async |plugin| plugin.log_call(call).await).await?;
    }
    Ok(())
}

/// Returns an inbound call with every field.
fn whole(worker: &str) -> Call {
    Call {
        call_sid: "CA00000000000000000000000000000000".to_owned(),
        direction: CallDirection::Inbound,
        worker: Some(worker.to_owned()),
        customer_address: Some(UNKNOWN_ADDRESS.to_owned()),
        proxy_address: Some("+12025550199".to_owned()),
        conversation_sid: Some("CH00000000000000000000000000000000".to_owned()),
        participant_sid: Some("MB00000000000000000000000000000000".to_owned()),
        status: "completed".to_owned(),
        started_at: Some(1_760_000_000_000),
        duration_seconds: Some(61),
        recording: Some(CallRecording {
            sid: "RE00000000000000000000000000000000".to_owned(),
            url: Some("https://api.twilio.com/2010-04-01/Accounts/AC0/Recordings/RE0".to_owned()),
            duration_seconds: Some(60),
        }),
    }
}

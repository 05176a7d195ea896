//! Records of requests as values for pages, without personal data.

use frontgate_console_pages::pages::{Event, Fact, LiveRow, Stage};
use frontgate_console_pages::{Grant, Kind, Personal, is_id, mask_text, words};
use frontgate_contract::digest::Digest;
use frontgate_recorder::{Level, Outcome, PluginCall, Record, SignatureResult};

use super::{encoded, payload, questions};

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Returns a record for a list.
pub(super) fn row(record: &Record) -> LiveRow {
    let facts = &record.facts;
    let conversation = facts.conversation.as_deref();
    let link = conversation.filter(|key| is_id(key)).zip(facts.tenant.as_deref());
    LiveRow {
        sequence: record.sequence,
        id: facts.id.to_string(),
        time_ms: signed(facts.at_ms),
        tenant: facts.tenant.as_deref().map(str::to_owned),
        callback: facts.callback,
        event: facts.event.as_deref().map(str::to_owned),
        status: facts.status,
        code: facts.code,
        took_us: facts.took_us,
        by: facts.plugin.as_deref().or(facts.index).map(str::to_owned),
        conversation: conversation.map(mask_text),
        conversation_link: link.map(|(key, tenant)| format!("/conversations/{}/{}", encoded(tenant), encoded(key))),
        deliveries: facts.deliveries.clone(),
        detail: facts.detail.as_deref().map(mask_text),
        is_simulated: facts.is_simulated,
    }
}

/// Returns a record for its page. Content is masked without a grant.
pub(super) fn event(record: &Record, grant: Option<&Grant>, reveal_ms: u64) -> Event {
    let facts = &record.facts;
    let content = record.content.as_deref();
    let capture = content.and_then(|content| content.capture.as_ref());
    let line = |line: &frontgate_recorder::Line| {
        // A plugin may log a customer's text.
        let text = Personal::new(Kind::Text, &*line.text);
        let text = grant.map_or_else(|| text.visible(), |grant| text.clone().shown(grant).visible());
        format!("{} {}: {text}", level(line.level), line.plugin)
    };
    let mut lines: Vec<String> = content.map(|content| content.lines.iter().map(line).collect()).unwrap_or_default();
    if let Some(dropped) = content.map(|content| content.lines_dropped).filter(|dropped| *dropped > 0) {
        lines.push(words::count(u64::from(dropped), "further line", "further lines"));
    }
    Event {
        id: facts.id.to_string(),
        name: name(record),
        status: facts.status,
        code: facts.code,
        detail: facts.detail.as_deref().map(mask_text),
        took_us: facts.took_us,
        deadline_ms: facts.deadline_us.map(|us| us / 1_000),
        stages: stages(record),
        facts: fact_list(record),
        calls: facts.calls.iter().map(call).collect(),
        lines,
        request: capture.map(|capture| payload::of_body(&capture.request, grant)),
        answer: capture.map(|capture| payload::of_body(&capture.response, grant)),
        is_revealed: grant.is_some(),
        reveal_ms,
        deliveries: facts.deliveries.clone(),
        no_question: questions::recorded_body(record).err(),
    }
}

/// Returns the callback, the event and the tenant of a request.
pub(super) fn name(record: &Record) -> String {
    let facts = &record.facts;
    match (&facts.event, &facts.tenant) {
        (Some(event), Some(tenant)) => format!("{} {event} for {tenant}", facts.callback),
        (None, Some(tenant)) => format!("{} for {tenant}", facts.callback),
        (_, None) => "Request without a route".to_owned(),
    }
}

fn stages(record: &Record) -> Vec<Stage> {
    let stages = record.facts.stages;
    let mut start_us = 0;
    let all = [
        ("Read the body", stages.body_us),
        ("Verify", stages.verify_us),
        ("Decode and call plugins", stages.calls_us),
        ("Database", stages.store_us),
        ("Encode", stages.encode_us),
    ];
    all.into_iter()
        .map(|(name, took_us)| {
            let stage = Stage { name, start_us, took_us };
            start_us += took_us;
            stage
        })
        .collect()
}

fn fact_list(record: &Record) -> Vec<Fact> {
    let facts = &record.facts;
    let mut list = vec![
        Fact::new("Time", words::time(signed(facts.at_ms))),
        Fact::new("Request id", facts.id.to_string()),
        Fact::new("Request", format!("{} {}", facts.method, mask_text(&facts.path))),
        Fact::new(
            "End",
            match facts.outcome {
                Outcome::Answered => "answered",
                Outcome::Refused => "refused",
                Outcome::LetThrough => "answered 200 despite an error, so that the platform is not blocked",
                Outcome::CallerGone => "the caller disconnected before the answer",
            },
        ),
        Fact::new("Code", facts.code),
    ];
    if facts.is_simulated {
        list.push(Fact::new("Simulation", "sent by the console's simulator; not counted"));
    }
    match &facts.signature {
        SignatureResult::Unchecked => {}
        SignatureResult::Matched { key, url } => {
            let url = url.as_deref().map(|url| format!(" for {}", mask_text(url))).unwrap_or_default();
            list.push(Fact::new("Signature", format!("matches {key}{url}")));
        }
        SignatureResult::Refused { explanation } => {
            list.push(Fact::new("Signature", format!("does not match: {}", mask_text(explanation))));
        }
    }
    if let (Some(tenant), Some(key)) = (&facts.tenant, &facts.conversation) {
        let fact = Fact::new("Conversation", mask_text(key));
        let path = format!("/conversations/{}/{}", encoded(tenant), encoded(key));
        list.push(if is_id(key) { fact.linked(path) } else { fact });
    }
    list.extend(facts.channel.as_deref().map(|channel| Fact::new("Channel", channel)));
    list.push(Fact::new("Size", format!("{} in, {} out", words::bytes(facts.bytes_in), words::bytes(facts.bytes_out))));
    list
}

/// Returns the facts of a call of a plugin.
pub(super) fn call(call: &PluginCall) -> Vec<Fact> {
    let digest = Digest::from(call.digest).short();
    let mut list = vec![
        Fact::new("Plugin", format!("{} {digest}", call.plugin)).linked(format!("/plugins/{}", encoded(&call.plugin))),
        Fact::new("Function", call.function.to_string()),
        Fact::new("Outcome", call.outcome),
        Fact::new("Waited for admission", words::micros(call.queue_us)),
    ];
    list.extend(call.limit.map(|limit| Fact::new("Ended by limit", limit)));
    if let Some(cost) = &call.cost {
        let start = if cost.is_reused { "instance reused".to_owned() } else { words::micros(cost.start_us) };
        list.push(Fact::new("Start", start));
        list.push(Fact::new(
            "Run",
            format!("{}, processor {}", words::micros(cost.run_us), words::micros(cost.cpu_us)),
        ));
        list.push(Fact::new("Memory", words::bytes(u64::try_from(cost.memory_bytes).unwrap_or(u64::MAX))));
        if cost.requests > 0 {
            list.push(Fact::new("Requests", format!("{} to {}", cost.requests, cost.hosts.join(", "))));
        }
    }
    list
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warn => "warning",
        Level::Info => "info",
        Level::Debug => "debug",
        Level::Trace => "trace",
    }
}

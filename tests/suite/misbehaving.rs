//! Tests misbehaving plugins: every call ends within its budget, and other calls are served meanwhile.

use std::thread;
use std::time::Duration;

use frontgate_tests::{Setup, component, eventually};
use rustix::process::getpriority_process;

#[test]
fn a_loop_ends_at_its_cpu_time_while_others_are_served() {
    let gateway = Setup::misbehaving().set("plugins.limits.cpu_time_ms", "100").start();
    thread::scope(|scope| {
        let loops: Vec<_> = (0..8).map(|_| scope.spawn(|| gateway.instruct("loop"))).collect();
        for _ in 0..50 {
            assert_eq!(gateway.output_of("hello"), "version 1");
        }
        for ended in loops {
            let answer = ended.join().expect("an answer");
            assert_eq!((answer.status, answer.code()), (504, "out-of-time"));
        }
    });
    gateway.log().wait_for("cpu_time_ms exceeded");
}

#[test]
fn a_sleep_ends_at_the_call_timeout_or_the_callback_deadline() {
    let table = [
        (("plugins.limits.call_timeout_ms", "100"), "call_timeout_ms exceeded"),
        (("tenants.demo.twilio.callback_timeout_ms", "100"), "callback deadline exceeded"),
    ];
    for ((key, value), reason) in table {
        let gateway = Setup::misbehaving().set(key, value).start();
        let answer = gateway.instruct("sleep 20000");
        assert_eq!((answer.status, answer.code()), (504, "out-of-time"));
        gateway.log().wait_for(reason);
    }
}

#[test]
fn waiting_uses_no_cpu_time() {
    let gateway = Setup::misbehaving().set("plugins.limits.cpu_time_ms", "50").start();
    assert_eq!(gateway.output_of("sleep 300"), "slept");
}

#[test]
fn unbounded_memory_is_rejected_at_the_limit_for_all_memories() {
    let gateway = Setup::misbehaving().start();
    let before = gateway.resident_kib();
    for _ in 0..5 {
        let answer = gateway.instruct("allocate");
        assert_eq!((answer.status, answer.code()), (502, "plugin-trapped"));
    }
    gateway.log().wait_for_count("(limit reached: memory_bytes_max)", 5);
    assert_eq!(gateway.output_of("hello"), "version 1");
    let after = gateway.resident_kib();
    assert!(after < before + 64 * 1024, "{before} KiB before, {after} KiB after");
}

#[test]
fn unbounded_recursion_is_a_trap() {
    let gateway = Setup::misbehaving().start();
    let answer = gateway.instruct("recurse");
    assert_eq!((answer.status, answer.code()), (502, "plugin-trapped"));
    gateway.log().wait_for("call stack exhausted");
    assert_eq!(gateway.output_of("hello"), "version 1");
}

#[test]
fn output_over_the_limits_is_dropped_and_counted() {
    let gateway = Setup::misbehaving().set("plugins.limits.output_lines_max", "10").start();
    assert_eq!(gateway.output_of("print 100"), "printed");
    gateway.log().wait_for("290 output lines dropped");
    let level = |words| gateway.log().wait_for(words)["level"].as_str().expect("a level").to_owned();
    assert_eq!(["line 0", "complaint 0", "warning 0"].map(level), ["INFO", "WARN", "WARN"]);
    let log = gateway.log().text();
    assert!(!log.contains("line 9"));
    assert!(log.contains(r#""plugin":"plugin","tenant":"demo""#), "{log}");
}

#[test]
fn a_plugin_cannot_forge_a_log_line() {
    let gateway = Setup::misbehaving().start();
    assert_eq!(gateway.output_of("forge"), "forged");
    gateway.log().wait_for("first line 2026-11-21T00:00:00Z ERROR forged: line");
}

#[test]
fn endless_output_ends_at_the_cpu_time_without_filling_the_log() {
    let gateway = Setup::misbehaving().set("plugins.limits.cpu_time_ms", "300").start();
    let answer = gateway.instruct("print-for-ever");
    assert_eq!((answer.status, answer.code()), (504, "out-of-time"));
    assert!(gateway.log().text().len() < 100_000);
}

#[test]
fn an_oversized_answer_is_rejected_before_it_is_buffered() {
    let gateway = Setup::misbehaving().start();
    let answer = gateway.instruct("huge-answer 30000000");
    assert_eq!((answer.status, answer.code()), (502, "plugin-trapped"));
    gateway.log().wait_for("(limit reached: answer_bytes_max)");
}

#[test]
fn a_missing_grant_is_an_error_at_the_call() {
    let gateway = Setup::misbehaving().start();
    let answer = gateway.instruct("imports");
    let names = answer.json["objects"]["customers"].as_array().expect("customers");
    let names: Vec<_> = names.iter().map(|customer| customer["display_name"].as_str().expect("a name")).collect();
    let expected = [
        "Err(StateError { code: 0, name: \"not-granted\", message: \"The operator granted no store to this plugin.\" })",
        "Err(HttpError::Forbidden(\"no outbound host granted; set `outbound` of the plugin\"))",
        "Err(Error::Forbidden(\"the CRM role has no directory\"))",
        "36",
        "0",
        "true",
    ];
    assert_eq!(names, expected);
}

#[test]
fn only_the_granted_folder_can_be_read() {
    let gateway = Setup::misbehaving().file("note", "a note").set("plugins.named.plugin.files", "\"files\"").start();
    assert_eq!(gateway.output_of("files note"), "Ok(\"a note\") false");
    assert_eq!(gateway.output_of("files /note"), "Ok(\"a note\") false");
    for path in ["../token", "/../token", "/etc/passwd"] {
        let answer = gateway.output_of(&format!("files {path}"));
        assert!(answer.starts_with("Err(") && answer.ends_with("false"), "{path}: {answer}");
    }
    assert!(!gateway.path("files/note.new").exists());
    let nothing = Setup::misbehaving().file("note", "a note").start();
    assert!(nothing.output_of("files note").starts_with("Err("));
}

#[test]
fn settings_and_secrets_reach_only_their_own_plugin() {
    let gateway = Setup::misbehaving()
        .plugin("other", &component("misbehaving"))
        .set("plugins.named.plugin.config", "{ greeting = \"Hello\", limits = { pages = 5, strict = true } }")
        .set("plugins.named.other.config.own", "\"x\"")
        .set("plugins.named.plugin.secrets.token", "{ file = \"token\" }")
        .start();
    let table = [
        ("greeting", "Hello"),
        ("limits.pages", "5"),
        ("limits.strict", "true"),
        ("token", frontgate_tests::TOKEN),
        ("own", "none"),
    ];
    for (key, value) in table {
        assert_eq!(gateway.output_of(&format!("setting {key}")), value, "{key}");
    }
}

#[test]
fn a_plugins_own_limits_override_the_common_ones() {
    let gateway = Setup::misbehaving()
        .set("plugins.limits.call_timeout_ms", "50")
        .set("plugins.named.plugin.limits.call_timeout_ms", "4000")
        .start();
    assert_eq!(gateway.output_of("sleep 200"), "slept");
}

#[test]
fn calls_over_the_pool_size_wait_and_time_out() {
    let gateway = Setup::misbehaving()
        .set("plugins.calls_max", "2")
        .set("plugins.queue_timeout_ms", "100")
        .set("plugins.limits.call_timeout_ms", "1500")
        .start();
    thread::scope(|scope| {
        let sleepers: Vec<_> = (0..3).map(|_| scope.spawn(|| gateway.instruct("sleep 20000"))).collect();
        let codes: Vec<_> = sleepers
            .into_iter()
            .map(|sleeper| sleeper.join().expect("an answer"))
            .map(|answer| answer.code().to_owned())
            .collect();
        assert_eq!(codes.iter().filter(|code| *code == "out-of-time").count(), 2, "{codes:?}");
        assert_eq!(codes.iter().filter(|code| *code == "busy").count(), 1, "{codes:?}");
    });
    assert_eq!(gateway.output_of("hello"), "version 1");
}

#[test]
fn each_kind_of_misbehaviour_is_named_in_the_receipt() {
    let gateway = Setup::misbehaving()
        .file("note", "a note")
        .set("log.level", "\"debug\"")
        .set("plugins.breaker.failures", "1000")
        .set("plugins.named.plugin.files", "\"files\"")
        .set("plugins.limits.cpu_time_ms", "200")
        .set("plugins.limits.call_timeout_ms", "2000")
        .start();
    let table = [
        ("hello", 200, "answered"),
        ("loop", 504, "out-of-time (cpu_time_ms)"),
        ("host-calls", 504, "out-of-time (cpu_time_ms)"),
        ("print-for-ever", 504, "out-of-time (cpu_time_ms)"),
        ("sleep 20000", 504, "out-of-time (call_timeout_ms)"),
        ("recurse", 502, "plugin-trapped (stack_bytes_max)"),
        ("allocate", 502, "plugin-trapped (memory_bytes_max)"),
        ("huge-answer 30000000", 502, "plugin-trapped (answer_bytes_max)"),
        ("huge-question 30000000", 502, "plugin-trapped (answer_bytes_max)"),
        ("open note", 502, "plugin-trapped (handles_max)"),
        ("panic", 502, "plugin-trapped"),
        ("not-found", 404, "not-found"),
    ];
    for (instruction, status, ended) in table {
        assert_eq!(gateway.instruct(instruction).status, status, "{instruction}");
        let line = gateway.log().wait_for(&format!("call ended: plugin crm.list-customers: {ended}, digest "));
        for part in ["queue", "start", "run", "cpu", "memory", "host calls", "lines dropped"] {
            assert!(line["message"].as_str().is_some_and(|text| text.contains(part)), "{part}: {line}");
        }
    }
    let line = gateway.log().wait_for("callback crm answered");
    assert!(line["calls"].as_str().is_some_and(|calls| calls.starts_with("plugin crm.list-customers: answered")));
    let (_, metrics) = gateway.admin_get("/metrics");
    assert!(
        metrics.contains(r#"frontgate_plugin_calls_total{plugin="plugin",outcome="memory_bytes_max"} 1"#),
        "{metrics}"
    );
    assert!(metrics.contains(r#"frontgate_plugin_cpu_seconds_count{plugin="plugin"} 12"#), "{metrics}");
}

#[test]
fn the_breaker_opens_after_repeated_failures_and_closes_after_a_probe() {
    let gateway =
        Setup::misbehaving().set("plugins.breaker", "{ failures = 3, pause_ms = 300, pause_max_ms = 300 }").start();
    for _ in 0..2 {
        assert_eq!(gateway.instruct("panic").code(), "plugin-trapped");
    }
    assert_eq!(gateway.output_of("hello"), "version 1");
    for _ in 0..3 {
        assert_eq!(gateway.instruct("panic").code(), "plugin-trapped");
    }
    let refused = gateway.instruct("hello");
    assert_eq!((refused.status, refused.code(), &*refused.headers["retry-after"]), (503, "breaker-open", "1"));
    gateway.log().event("plugin.breaker_opened").with("pause_ms", "300").wait_for(1);
    let (status, ready) = gateway.admin_get("/readyz");
    assert_eq!(status, 200);
    assert!(ready.contains("plugin plugin: failed repeatedly, breaker open for"), "{ready}");
    assert!(gateway.status()["plugins"]["plugin"]["live"]["breaker_open_ms"].is_u64());
    let code = || gateway.instruct("hello").code().to_owned();
    eventually("the breaker is closed", code, |code| code != "breaker-open");
    assert!(gateway.status()["plugins"]["plugin"]["live"]["breaker_open_ms"].is_null());
}

#[test]
fn errors_returned_by_a_plugin_never_open_its_breaker() {
    let gateway = Setup::misbehaving().set("plugins.breaker.failures", "1").start();
    for instruction in ["failed", "unavailable", "not-found", "failed"] {
        gateway.instruct(instruction);
    }
    assert_eq!(gateway.output_of("hello"), "version 1");
}

#[test]
fn one_plugin_cannot_use_the_call_slots_of_another() {
    let gateway = Setup::misbehaving()
        .plugin("other", &component("misbehaving"))
        .set("tenants.demo.roles.templates", "[\"other\"]")
        .set("plugins.calls_max", "4")
        .set("plugins.named.plugin.calls_max", "3")
        .set("plugins.queue_timeout_ms", "60000")
        .set("plugins.limits.call_timeout_ms", "3000")
        .start();
    thread::scope(|scope| {
        let sleepers: Vec<_> = (0..6).map(|_| scope.spawn(|| gateway.instruct("sleep 1000"))).collect();
        for _ in 0..20 {
            let templates =
                [("Location", "GetTemplatesByCustomerId"), ("Worker", "ana@example.org"), ("CustomerId", "7")];
            assert_eq!(gateway.callback("templates", &templates).status, 200);
        }
        assert!(sleepers.into_iter().all(|sleeper| sleeper.join().expect("an answer").status == 200));
    });
}

#[test]
fn only_threads_of_cpu_bound_plugins_and_background_writers_lower_their_priority() {
    let gateway = Setup::misbehaving().file("note", "text").set("plugins.named.plugin.files", "\"files\"").start();
    // After a long call, a thread of low priority starts the file threads.
    for instruction in ["compute 100", "files note", "compute 100", "files note"] {
        assert_eq!(gateway.instruct(instruction).status, 200, "{instruction}");
    }
    let own = getpriority_process(None).expect("a Linux system");
    let below = 19.min(own + 10);
    // A file thread inherits the priority of the thread that started it.
    let is_plugins = |name: &str| ["plugin", "files", "customers", "journal"].contains(&name);
    let (plugins, others): (Vec<_>, Vec<_>) =
        gateway.threads().into_iter().partition(|thread| is_plugins(&thread.name));
    assert!(others.iter().all(|thread| thread.nice == own), "{others:?}");
    assert!(plugins.iter().any(|thread| thread.nice == below), "{plugins:?}");
    // A new thread may still have the priority of its parent.
    assert!(plugins.iter().all(|thread| [own, below].contains(&thread.nice)), "{plugins:?}");
    let short = Duration::from_micros(100);
    let mut answering = others.iter().filter(|thread| thread.name == "tokio-rt-worker");
    assert!(answering.all(|thread| thread.slice.is_none_or(|slice| slice == short)), "{others:?}");
    let mut below = plugins.iter().filter(|thread| thread.nice == below);
    assert!(below.all(|thread| thread.slice.is_none_or(|slice| slice > short)), "{plugins:?}");
}

#[test]
fn the_call_after_a_trap_runs_on_the_plugin_threads() {
    let gateway = Setup::misbehaving().set("plugins.breaker.failures", "1000").start();
    let on_plugins_threads = || -> Duration {
        gateway.threads().into_iter().filter(|thread| thread.name == "plugin").map(|thread| thread.ran).sum()
    };
    let before = on_plugins_threads();
    for _ in 0..20 {
        assert_eq!(gateway.instruct("panic").status, 502);
        // The call is too short to be moved to the plugin threads, but after a trap it starts there.
        assert_eq!(gateway.instruct("compute 2").status, 200);
    }
    let ran = on_plugins_threads() - before;
    assert!(ran > Duration::from_millis(5), "{ran:?} of 40 ms");
}

#[test]
fn a_call_beyond_the_queue_limit_is_rejected_at_once() {
    let gateway = Setup::misbehaving()
        .set("plugins.calls_max", "1")
        .set("plugins.queue_max", "0")
        .set("plugins.limits.call_timeout_ms", "30000")
        .set("log.level", "\"debug\"")
        .start();
    thread::scope(|scope| {
        let sleeper = scope.spawn(|| gateway.instruct("sleep 2000"));
        eventually("the call runs", || gateway.status()["places_free"].clone(), |free| *free == 0);
        assert_eq!(gateway.instruct("hello").code(), "busy");
        gateway.log().wait_for("too many calls at once: plugins.queue_max calls are waiting");
        sleeper.join().expect("an answer");
    });
}

#[test]
fn a_plugin_that_exceeds_a_limit_at_start_is_rejected_with_its_name() {
    for limit in ["plugins.limits.table_elements_max", "plugins.limits.memory_bytes_max"] {
        let least = if limit.ends_with("bytes_max") { "65536" } else { "1" };
        let gateway = Setup::misbehaving().set(limit, least).start();
        gateway
            .log()
            .event("plugin.refused")
            .with("plugin", "plugin")
            .saying("it needs more than plugins.limits allow")
            .wait_for(1);
        assert_eq!(gateway.instruct("hello").code(), "no-plugin");
    }
}

//! Tests that reading customers leaves the processor to callbacks.

use std::fs;
use std::path::{Path, PathBuf};

use frontgate_tests::eventually;

use crate::customer_index::wait_until_ready;
use crate::customer_sync::Crm;

/// Name of the threads that have a low priority.
const PLUGIN_THREAD: &str = "plugin";

/// Returns the folders of a process's threads with this name in `/proc`.
fn threads(process: u32, name: &str) -> Vec<PathBuf> {
    let all = fs::read_dir(format!("/proc/{process}/task")).expect("the threads");
    let all = all.filter_map(|entry| Some(entry.ok()?.path()));
    all.filter(|thread| fs::read_to_string(thread.join("comm")).is_ok_and(|found| found.trim_end() == name)).collect()
}

/// Returns the seconds for which a thread ran.
fn ran(thread: &Path) -> f64 {
    let times = fs::read_to_string(thread.join("schedstat")).expect("the times of a thread");
    let nanoseconds: f64 = times.split(' ').next().and_then(|first| first.parse().ok()).expect("a time");
    nanoseconds / 1e9
}

/// Returns the nice value of a thread or process.
fn niceness(folder: &Path) -> i64 {
    let stat = fs::read_to_string(folder.join("stat")).expect("the state of a thread");
    // The name in parentheses is the second field, and may contain spaces. The nice value is the 19th field.
    let after_name = stat.rsplit_once(") ").expect("a name").1;
    after_name.split(' ').nth(16).and_then(|nice| nice.parse().ok()).expect("a nice value")
}

#[test]
fn calls_of_a_source_run_on_threads_of_low_priority() {
    let crm = Crm::start(10);
    let gateway = crm.setup().start();
    wait_until_ready(&gateway);
    let threads = threads(gateway.process_id(), PLUGIN_THREAD);
    let of_threads = || threads.iter().map(|thread| ran(thread)).sum::<f64>();
    let of_calls = |kind: &str| gateway.metric(&format!("frontgate_plugin_cpu_seconds_{kind}{{plugin=\"plugin\"}}"));
    let (ran_before, computed_before, calls_before) = (of_threads(), of_calls("sum"), of_calls("count"));
    // Only short calls: those of callbacks would stay on the threads of callbacks.
    let sync = || {
        gateway.admin_post("/customers/sync", "{}");
        of_calls("count") - calls_before
    };
    eventually("the source was called often", sync, |calls| *calls >= 100.0);
    let (ran, computed) = (of_threads() - ran_before, of_calls("sum") - computed_before);
    // A measured time may include a pause of its thread.
    assert!(ran > computed / 2.0, "calls computed for {computed} s, plugin threads ran for {ran} s");
    let process = niceness(Path::new(&format!("/proc/{}", gateway.process_id())));
    let levels: Vec<_> = threads.iter().map(|thread| niceness(thread)).collect();
    assert!(levels.iter().all(|level| *level > process), "{levels:?}, the process has {process}");
}

//! Finding 23: secrets remain in memory and in the environment.

use std::fs::{self, File};
use std::io::{ErrorKind, Read as _};
use std::os::unix::fs::FileExt as _;

use frontgate_tests::{Front, Gateway, LIST, Setup, TOKEN, eventually};

const PAGE: u64 = 4_096;
const OTHER: &str = "another-planted-secret-0001";

/// Starts a gateway whose token comes from the environment.
fn with_environment() -> Gateway {
    Setup::misbehaving().set("tenants.demo.twilio.auth_tokens", "[{ env = \"PLANTED_TOKEN\" }]").start_in(&[
        ("PLANTED_TOKEN", TOKEN),
        ("PLANTED_OTHER", OTHER),
        ("PLANTED_EMPTY", ""),
        ("TZ", "Etc/UTC"),
    ])
}

/// Returns the initial environment of the process, or `None` if this user may not read it.
fn environment(gateway: &Gateway) -> Option<String> {
    match fs::read(format!("/proc/{}/environ", gateway.process_id())) {
        Ok(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => None,
        Err(error) => panic!("{error}"),
    }
}

/// Counts the copies of a text in the process's writable memory. Returns `None` if this user may not read that memory.
fn copies(gateway: &Gateway, text: &str) -> Option<usize> {
    let open = |name: &str| File::open(format!("/proc/{}/{name}", gateway.process_id())).ok();
    let (mut maps, memory, pages) = (String::new(), open("mem")?, open("pagemap")?);
    open("maps")?.read_to_string(&mut maps).ok()?;
    let ranges = maps.lines().filter(|line| line.contains(" rw-p "));
    let ranges = ranges.filter_map(|line| line.split(' ').next()?.split_once('-'));
    let mut count = 0;
    for (from, to) in ranges {
        let [from, to] = [from, to].map(|address| u64::from_str_radix(address, 16).expect("an address") / PAGE);
        let mut seen = Vec::new();
        for page in from..to {
            let (mut entry, mut bytes) = ([0; 8], [0; PAGE as usize]);
            // Untouched pages are not mapped.
            let is_there = pages.read_exact_at(&mut entry, page * 8).is_ok() && u64::from_le_bytes(entry) >> 63 == 1;
            if is_there && memory.read_exact_at(&mut bytes, page * PAGE).is_ok() {
                seen.extend(bytes);
                continue;
            }
            count += seen.windows(text.len()).filter(|window| *window == text.as_bytes()).count();
            seen.clear();
        }
        count += seen.windows(text.len()).filter(|window| *window == text.as_bytes()).count();
    }
    Some(count)
}

#[test]
fn the_process_environment_hides_its_initial_values() {
    let gateway = with_environment();
    assert_eq!(gateway.crm(&LIST).status, 200);
    if let Some(environment) = environment(&gateway) {
        assert!(environment.contains("PATH=/") && environment.contains("TZ=Etc/UTC"), "{environment}");
        assert!(!environment.contains(TOKEN) && !environment.contains(OTHER), "{environment}");
    }
}

#[test]
fn a_secret_referenced_later_is_still_available() {
    let gateway = with_environment();
    let named = "[{ env = \"PLANTED_TOKEN\" }, { env = \"PLANTED_OTHER\" }]";
    let receipt = gateway.reconfigure(&[("tenants.demo.twilio.auth_tokens", named)]);
    assert_eq!(receipt["outcome"], "live", "{receipt}");
    assert_eq!(gateway.crm(&LIST).status, 200);
    let receipt = gateway.reconfigure(&[("tenants.demo.twilio.auth_tokens", "[{ env = \"PLANTED_NOWHERE\" }]")]);
    assert!(receipt.to_string().contains("the environment variable `PLANTED_NOWHERE` is not set"), "{receipt}");
}

#[test]
fn an_app_secret_is_in_memory_once() {
    let front = Front::start();
    let setup = Setup::misbehaving().front(&front, "plugin");
    let gateway = setup.start();
    front.point_at(gateway.address());
    // Front signs this request with its secret.
    let _ = front.list_addresses("https://gw.example.org/front/sms");
    assert!(copies(&gateway, Front::SECRET).is_none_or(|count| count == 1), "{:?}", copies(&gateway, Front::SECRET));
}

#[test]
fn a_replaced_secret_is_erased() {
    let gateway = Setup::misbehaving()
        .file("old", OTHER)
        .set("tenants.demo.twilio.auth_tokens", "[{ file = \"token\" }, { file = \"files/old\" }]")
        .start();
    assert!(copies(&gateway, OTHER).is_none_or(|count| count > 0));
    gateway.reconfigure(&[("tenants.demo.twilio.auth_tokens", "[{ file = \"token\" }]")]);
    // Calls started before the reload still hold the old configuration, and it may be released only at the end of a
    // call.
    let copies_after_a_call = || {
        assert_eq!(gateway.crm(&LIST).status, 200);
        copies(&gateway, OTHER)
    };
    eventually("the secret is erased", copies_after_a_call, |found| found.is_none_or(|count| count == 0));
}

#[test]
fn core_dumps_are_off_unless_configured() {
    let most = |limits: String| {
        let line = limits.lines().find(|line| line.starts_with("Max core file size")).expect("a limit");
        line.split_whitespace().nth(5).expect("the hard limit").to_owned()
    };
    let own = most(fs::read_to_string("/proc/self/limits").expect("a Linux system"));
    for (wanted, limit) in [(false, "0"), (true, &*own)] {
        let gateway = Setup::misbehaving().set("process.core_dumps", wanted.to_string()).start_with_core_dumps();
        let limits = fs::read_to_string(format!("/proc/{}/limits", gateway.process_id()));
        // Some users may not read the limits.
        let Ok(limits) = limits else { continue };
        assert_eq!(most(limits), limit, "core_dumps = {wanted}");
    }
}

#[test]
fn the_process_cannot_gain_privileges() {
    let gateway = Setup::misbehaving().start();
    let status = fs::read_to_string(format!("/proc/{}/status", gateway.process_id())).expect("a Linux system");
    assert!(status.contains("NoNewPrivs:\t1"), "{status}");
}

#[test]
fn an_oversized_secret_file_is_a_fault() {
    let setup = Setup::misbehaving().file("large", &"x".repeat(70_000));
    let setup = setup.set("tenants.demo.twilio.auth_tokens", "[{ file = \"files/large\" }]");
    setup.write();
    let output = frontgate_tests::run(setup.folder(), &["check", "--config", "config.toml"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("the file `files/large` cannot be read: larger than 65536 bytes"), "{text}");
}

//! Files of a channel's messages, in both directions: never held as a whole, and asked for where they may be.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use frontgate_tests::front::{Authorization, Call, Downloads, Draft, Message, generated};
use frontgate_tests::{Gateway, Web, digest};
use serde_json::json;

use crate::channels::{LEE, Wired};

/// The largest file that Front takes with its form around it.
const LARGE: usize = 24_000_000;
/// What the gateway may take of memory above what it takes when it is idle: less than the file.
const SPARE_KIB: u64 = 16 * 1024;

fn patient() -> Wired {
    let wired = Wired::with(|setup| {
        setup
            .set("plugins.limits.outbound_timeout_ms", "25000")
            .set("plugins.limits.call_timeout_ms", "25000")
            .set("delivery.plugin_timeout_ms", "25000")
    });
    wired.front.deadline(Duration::from_secs(60));
    wired
}

/// The most that the gateway takes while something happens.
fn peak_kib(gateway: &Gateway, work: impl FnOnce()) -> u64 {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let watching = scope.spawn(|| {
            let mut peak = 0;
            while !over.load(Ordering::SeqCst) {
                peak = gateway.resident_kib().max(peak);
                thread::yield_now();
            }
            peak
        });
        work();
        over.store(true, Ordering::SeqCst);
        watching.join().expect("no panic")
    })
}

fn inbound(wired: &Wired) -> Option<Message> {
    wired.front.look(|state| state.messages().find(|message| message.is_inbound).cloned())
}

#[test]
fn a_large_file_of_a_teammate_passes_through_without_being_held() {
    let wired = patient();
    wired.front.send(&wired.channel, Draft::new("planted text").to(LEE)).ids();
    let idle = wired.gateway.resident_kib();
    let peak = peak_kib(&wired.gateway, || {
        let draft =
            Draft::new("planted text 2").to(LEE).attach("large.bin", "application/octet-stream", generated(LARGE));
        wired.front.send(&wired.channel, draft).ids();
        wired.provider.wait_for(|known| known.messages.len() == 2);
    });
    assert!(peak < idle + SPARE_KIB, "{idle} KiB idle, {peak} KiB at most");
    let upload = wired.provider.look(|known| known.uploads[0].clone());
    assert_eq!((upload.size, upload.announced), (LARGE, Some(LARGE)));
    assert_eq!(upload.digest, digest(&generated(LARGE)));
    assert_eq!(upload.content_type, "application/octet-stream");
}

#[test]
fn a_large_file_of_a_customer_passes_through_without_being_held() {
    let wired = patient();
    wired.provider.file("large.bin", generated(LARGE));
    wired.tell(&json!([{"inbound": {"id": "in-0", "conversation": "c", "with": LEE, "text": "planted text"}}]));
    wired.front.wait_for(|state| state.messages().count() == 1);
    let idle = wired.gateway.resident_kib();
    let url = format!("http://{}/files/large.bin", wired.provider.address());
    let peak = peak_kib(&wired.gateway, || {
        wired.tell(&json!([{"inbound":
            {"id": "in-1", "conversation": "c", "with": LEE, "text": "planted text", "files": [["large.bin", url]]}}]));
        wired.front.wait_for(|state| state.messages().count() == 2);
    });
    assert!(peak < idle + SPARE_KIB, "{idle} KiB idle, {peak} KiB at most");
    let file = wired.front.look(|state| state.messages().nth(1).expect("a message").attachments[0].clone());
    assert_eq!((file.size, file.digest), (LARGE, digest(&generated(LARGE))));
}

#[test]
fn files_are_asked_for_with_a_token_and_their_storage_without() {
    for downloads in [Downloads::Redirect, Downloads::Bytes] {
        let wired = Wired::new();
        wired.front.downloads(downloads.clone());
        let draft = Draft::new("").to(LEE).attach("a.txt", "text/plain", "one").attach("b.txt", "text/plain", "two");
        wired.front.send(&wired.channel, draft).ids();
        let names = wired.provider.look(|known| known.uploads.iter().map(|file| file.name.clone()).collect::<Vec<_>>());
        assert_eq!(names, ["a.txt", "b.txt"], "{downloads:?}");
        // Front writes a word where a teammate writes none: the customer is not to read it.
        assert_eq!(wired.provider.look(|known| known.messages[0].text().to_owned()), "");
        let asked =
            wired.front.requests().into_iter().filter(|request| matches!(request.call, Call::Download | Call::Storage));
        for request in asked {
            let has_token = matches!(request.authorization, Authorization::Channel { .. });
            assert_eq!(has_token, request.call == Call::Download, "{request}");
        }
    }
}

#[test]
fn a_file_can_be_handed_on_in_a_form() {
    let wired = Wired::new();
    wired
        .front
        .send(&wired.channel, Draft::new("planted text").to(LEE).attach("form.txt", "text/plain", "a file"))
        .ids();
    let upload = wired.provider.look(|known| known.uploads[0].clone());
    let boundary = upload.content_type.strip_prefix("multipart/form-data; boundary=").expect("a form").to_owned();
    let form = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\na form\r\n\
         --{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"form.txt\"\r\n\
         Content-Type: text/plain\r\n\r\na file\r\n--{boundary}--\r\n"
    );
    assert_eq!(String::from_utf8(upload.beginning).expect("text"), form);
    assert_eq!(upload.announced, Some(form.len()));
}

#[test]
fn a_file_is_fetched_from_fronts_own_hosts_and_nowhere_else() {
    let wired = Wired::new();
    let elsewhere = Web::start();
    wired.front.downloads(Downloads::RedirectTo(format!("http://{}/", elsewhere.address())));
    let sent =
        wired.front.send(&wired.channel, Draft::new("planted text").to(LEE).attach("a.txt", "text/plain", "one"));
    let link = format!("http://{}/file", elsewhere.address());
    let other = Draft::new("planted text").to(LEE).attach("a.txt", "text/plain", "one");
    let other = wired
        .front
        .send(&wired.channel, other.edit(move |body| body["payload"]["attachments"][0]["url"] = link.clone().into()));
    assert_eq!(elsewhere.requests(), Vec::<String>::new());
    assert_eq!(wired.provider.look(|known| known.uploads.len()), 0);
    // The plugin was told that nothing was sent, so it is tried again: the operator can name the host.
    assert!(sent.outcome.is_ok() && other.outcome.is_ok());
}

#[test]
fn a_customers_file_comes_with_its_message_and_what_cannot_be_had_is_named() {
    let wired = Wired::new();
    wired.provider.file("a.txt", "from the provider");
    let url = |name: &str| format!("http://{}/files/{name}", wired.provider.address());
    let files = json!([["a.txt", url("a.txt")], ["b.txt", "here it is"], ["gone.txt", url("gone.txt")]]);
    wired.tell(&json!([{"inbound": {"id": "in-1", "conversation": "c", "with": LEE, "text": "", "files": files}}]));
    wired.front.wait_for(|state| state.messages().count() == 1);
    let message = inbound(&wired).expect("a message");
    assert_eq!(message.text, "Attachment\n[gone.txt could not be fetched]");
    let files: Vec<_> = message.attachments.iter().map(|file| (&*file.filename, &*file.digest)).collect();
    assert_eq!(files, [("a.txt", &*digest(b"from the provider")), ("b.txt", &*digest(b"here it is"))]);
}

#[test]
fn a_file_that_front_would_not_take_is_named_in_its_message() {
    let wired = Wired::new();
    wired.provider.file("huge.bin", vec![0; 26 * 1024 * 1024]);
    let url = format!("http://{}/files/huge.bin", wired.provider.address());
    let files = json!([["huge.bin", url]]);
    wired.tell(
        &json!([{"inbound": {"id": "in-1", "conversation": "c", "with": LEE, "text": "planted text", "files": files}}]),
    );
    wired.front.wait_for(|state| state.messages().count() == 1);
    let message = inbound(&wired).expect("a message");
    assert!(message.text.starts_with("planted text\n[huge.bin "), "{}", message.text);
    assert_eq!(message.attachments.len(), 0);
}

#[test]
fn a_message_whose_files_front_refuses_comes_without_them() {
    let wired = Wired::new();
    wired.front.bytes_max(100_000);
    wired.provider.file("a.bin", vec![0; 200_000]);
    let url = format!("http://{}/files/a.bin", wired.provider.address());
    let files = json!([["a.bin", url]]);
    wired.tell(
        &json!([{"inbound": {"id": "in-1", "conversation": "c", "with": LEE, "text": "planted text", "files": files}}]),
    );
    wired.front.wait_for(|state| state.messages().count() == 1);
    assert_eq!(inbound(&wired).expect("a message").text, "planted text\n[a.bin was rejected by Front]");
}

#[test]
fn a_message_whose_file_is_not_to_be_had_waits_for_it_and_then_comes_without() {
    let wired = Wired::with(|setup| setup.set("tenants.demo.front.sms.file_patience_ms", "300"));
    let files = json!([["a.txt", "http://not.granted.example/a.txt"]]);
    wired.tell(
        &json!([{"inbound": {"id": "in-1", "conversation": "c", "with": LEE, "text": "planted text", "files": files}}]),
    );
    wired.gateway.log().wait_for("is ready: the file of a message");
    wired.front.wait_for(|state| state.messages().count() == 1);
    assert_eq!(inbound(&wired).expect("a message").text, "planted text\n[a.txt could not be fetched]");
}

#[test]
fn a_file_whose_size_nobody_says_comes_as_long_as_it_is_small() {
    let wired = Wired::new();
    wired.provider.file("small.txt", "a small file");
    wired.provider.file("large.bin", vec![0; 3 * 1024 * 1024]);
    let url = |name: &str| format!("http://{}/unsized/{name}", wired.provider.address());
    let files = json!([["small.txt", url("small.txt")], ["large.bin", url("large.bin")]]);
    wired.tell(
        &json!([{"inbound": {"id": "in-1", "conversation": "c", "with": LEE, "text": "planted text", "files": files}}]),
    );
    wired.front.wait_for(|state| state.messages().count() == 1);
    let message = inbound(&wired).expect("a message");
    assert_eq!(message.text, "planted text\n[large.bin is large and of unknown size]");
    assert_eq!(message.attachments.len(), 1);
    assert_eq!(message.attachments[0].digest, digest(b"a small file"));
}

#[test]
fn files_that_are_too_large_together_are_left_out_from_where_they_are() {
    let wired = Wired::new();
    wired.provider.file("half.bin", vec![0; 14 * 1024 * 1024]);
    let url = format!("http://{}/files/half.bin", wired.provider.address());
    let files = json!([["one.bin", url], ["two.bin", url], ["three.txt", "a small file"]]);
    wired.tell(
        &json!([{"inbound": {"id": "in-1", "conversation": "c", "with": LEE, "text": "planted text", "files": files}}]),
    );
    wired.front.wait_for(|state| state.messages().count() == 1);
    let message = inbound(&wired).expect("a message");
    assert_eq!(message.text, "planted text\n[two.bin is too large]");
    let names: Vec<_> = message.attachments.iter().map(|file| &*file.filename).collect();
    assert_eq!(names, ["one.bin", "three.txt"]);
}

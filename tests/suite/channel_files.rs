//! Files of a channel's messages, in both directions: streamed, and fetched only from allowed hosts.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use frontgate_tests::front::{Authorization, Call, Downloads, Draft, Message, generated};
use frontgate_tests::{Gateway, SetOnDrop, Web, digest};
use serde_json::json;

use crate::channels::{ChannelFixture, LEE};

/// The size of the largest file whose form is within Front's limit, in bytes.
const LARGE: usize = 24_000_000;
/// The allowed memory growth over the idle gateway, in KiB: less than the size of the file.
const SPARE_KIB: u64 = 16 * 1024;

fn with_long_timeouts() -> ChannelFixture {
    let fixture = ChannelFixture::with(|setup| {
        setup
            .set("plugins.limits.outbound_timeout_ms", "25000")
            .set("plugins.limits.call_timeout_ms", "25000")
            .set("delivery.plugin_timeout_ms", "25000")
    });
    fixture.front.deadline(Duration::from_secs(60));
    fixture
}

/// Returns the peak resident memory of the gateway while `work` runs, in KiB.
fn peak_kib(gateway: &Gateway, work: impl FnOnce()) -> u64 {
    let ended = AtomicBool::new(false);
    thread::scope(|scope| {
        let watching = scope.spawn(|| {
            let mut peak = 0;
            while !ended.load(Ordering::SeqCst) {
                peak = gateway.resident_kib().max(peak);
                thread::sleep(Duration::from_millis(1));
            }
            peak
        });
        let end = SetOnDrop(&ended);
        work();
        drop(end);
        watching.join().expect("no panic")
    })
}

fn first_inbound(fixture: &ChannelFixture) -> Option<Message> {
    fixture.front.look(|state| state.messages().find(|message| message.is_inbound).cloned())
}

#[test]
fn a_large_outbound_file_is_streamed_not_buffered() {
    let fixture = with_long_timeouts();
    fixture.front.send(&fixture.channel, Draft::new("planted text").to(LEE)).ids();
    let idle = fixture.gateway.resident_kib();
    let peak = peak_kib(&fixture.gateway, || {
        let draft =
            Draft::new("planted text 2").to(LEE).attach("large.bin", "application/octet-stream", generated(LARGE));
        fixture.front.send(&fixture.channel, draft).ids();
        fixture.provider.wait_for(|known| known.messages.len() == 2);
    });
    assert!(peak < idle + SPARE_KIB, "{idle} KiB idle, {peak} KiB at most");
    let upload = fixture.provider.look(|known| known.uploads[0].clone());
    assert_eq!((upload.size, upload.announced), (LARGE, Some(LARGE)));
    assert_eq!(upload.digest, digest(&generated(LARGE)));
    assert_eq!(upload.content_type, "application/octet-stream");
}

#[test]
fn a_large_inbound_file_is_streamed_not_buffered() {
    let fixture = with_long_timeouts();
    fixture.provider.file("large.bin", generated(LARGE));
    fixture
        .report_events(&json!([{"inbound": {"id": "in-0", "conversation": "c", "with": LEE, "text": "planted text"}}]));
    fixture.front.wait_for(|state| state.messages().count() == 1);
    let idle = fixture.gateway.resident_kib();
    let url = format!("http://{}/files/large.bin", fixture.provider.address());
    let peak = peak_kib(&fixture.gateway, || {
        fixture.report_events(&json!([{"inbound":
            {"id": "in-1", "conversation": "c", "with": LEE, "text": "planted text", "files": [["large.bin", url]]}}]));
        fixture.front.wait_for(|state| state.messages().count() == 2);
    });
    assert!(peak < idle + SPARE_KIB, "{idle} KiB idle, {peak} KiB at most");
    let file = fixture.front.look(|state| state.messages().nth(1).expect("a message").attachments[0].clone());
    assert_eq!((file.size, file.digest), (LARGE, digest(&generated(LARGE))));
}

#[test]
fn the_token_goes_to_front_but_not_to_its_file_storage() {
    for downloads in [Downloads::Redirect, Downloads::Bytes] {
        let fixture = ChannelFixture::new();
        fixture.front.downloads(downloads.clone());
        let draft = Draft::new("").to(LEE).attach("a.txt", "text/plain", "one").attach("b.txt", "text/plain", "two");
        fixture.front.send(&fixture.channel, draft).ids();
        let names =
            fixture.provider.look(|known| known.uploads.iter().map(|file| file.name.clone()).collect::<Vec<_>>());
        assert_eq!(names, ["a.txt", "b.txt"], "{downloads:?}");
        // Front adds a placeholder to an empty message; the customer must not receive it.
        assert_eq!(fixture.provider.look(|known| known.messages[0].text().to_owned()), "");
        let fetches = fixture
            .front
            .requests()
            .into_iter()
            .filter(|request| matches!(request.call, Call::Download | Call::Storage));
        for request in fetches {
            let has_token = matches!(request.authorization, Authorization::Channel { .. });
            assert_eq!(has_token, request.call == Call::Download, "{request}");
        }
    }
}

#[test]
fn a_plugin_can_forward_a_file_in_a_multipart_form() {
    let fixture = ChannelFixture::new();
    fixture
        .front
        .send(&fixture.channel, Draft::new("planted text").to(LEE).attach("form.txt", "text/plain", "a file"))
        .ids();
    let upload = fixture.provider.look(|known| known.uploads[0].clone());
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
fn files_are_fetched_only_from_fronts_own_hosts() {
    let fixture = ChannelFixture::new();
    let elsewhere = Web::start();
    fixture.front.downloads(Downloads::RedirectTo(format!("http://{}/", elsewhere.address())));
    let sent =
        fixture.front.send(&fixture.channel, Draft::new("planted text").to(LEE).attach("a.txt", "text/plain", "one"));
    let link = format!("http://{}/file", elsewhere.address());
    let other = Draft::new("planted text").to(LEE).attach("a.txt", "text/plain", "one");
    let other = fixture
        .front
        .send(&fixture.channel, other.edit(move |body| body["payload"]["attachments"][0]["url"] = link.clone().into()));
    assert_eq!(elsewhere.requests(), Vec::<String>::new());
    assert_eq!(fixture.provider.look(|known| known.uploads.len()), 0);
    // Nothing has been sent to the provider, so the delivery is retried: an operator may allow the host meanwhile.
    assert!(sent.outcome.is_ok() && other.outcome.is_ok());
}

#[test]
fn an_inbound_message_names_files_that_could_not_be_fetched() {
    let fixture = ChannelFixture::new();
    fixture.provider.file("a.txt", "from the provider");
    let url = |name: &str| format!("http://{}/files/{name}", fixture.provider.address());
    let files = json!([["a.txt", url("a.txt")], ["b.txt", "here it is"], ["gone.txt", url("gone.txt")]]);
    fixture.report_events(
        &json!([{"inbound": {"id": "in-1", "conversation": "c", "with": LEE, "text": "", "files": files}}]),
    );
    fixture.front.wait_for(|state| state.messages().count() == 1);
    let message = first_inbound(&fixture).expect("a message");
    assert_eq!(message.text, "Attachment\n[gone.txt could not be fetched]");
    let files: Vec<_> = message.attachments.iter().map(|file| (&*file.filename, &*file.digest)).collect();
    assert_eq!(files, [("a.txt", &*digest(b"from the provider")), ("b.txt", &*digest(b"here it is"))]);
}

#[test]
fn a_file_over_fronts_limit_is_named_in_the_message() {
    let fixture = ChannelFixture::new();
    fixture.provider.file("huge.bin", vec![0; 26 * 1024 * 1024]);
    let url = format!("http://{}/files/huge.bin", fixture.provider.address());
    let files = json!([["huge.bin", url]]);
    fixture.report_events(
        &json!([{"inbound": {"id": "in-1", "conversation": "c", "with": LEE, "text": "planted text", "files": files}}]),
    );
    fixture.front.wait_for(|state| state.messages().count() == 1);
    let message = first_inbound(&fixture).expect("a message");
    assert!(message.text.starts_with("planted text\n[huge.bin "), "{}", message.text);
    assert_eq!(message.attachments.len(), 0);
}

#[test]
fn a_message_is_imported_without_files_that_front_rejects() {
    let fixture = ChannelFixture::new();
    fixture.front.bytes_max(100_000);
    fixture.provider.file("a.bin", vec![0; 200_000]);
    let url = format!("http://{}/files/a.bin", fixture.provider.address());
    let files = json!([["a.bin", url]]);
    fixture.report_events(
        &json!([{"inbound": {"id": "in-1", "conversation": "c", "with": LEE, "text": "planted text", "files": files}}]),
    );
    fixture.front.wait_for(|state| state.messages().count() == 1);
    assert_eq!(first_inbound(&fixture).expect("a message").text, "planted text\n[a.bin was rejected by Front]");
}

#[test]
fn a_message_waits_for_an_unavailable_file_and_is_then_imported_without() {
    let fixture = ChannelFixture::with(|setup| setup.set("tenants.demo.front.sms.file_patience_ms", "300"));
    let files = json!([["a.txt", "http://not.granted.example/a.txt"]]);
    fixture.report_events(
        &json!([{"inbound": {"id": "in-1", "conversation": "c", "with": LEE, "text": "planted text", "files": files}}]),
    );
    fixture.gateway.log().event("delivery.retry_scheduled").saying("failed to fetch a file").wait_for(1);
    fixture.front.wait_for(|state| state.messages().count() == 1);
    assert_eq!(first_inbound(&fixture).expect("a message").text, "planted text\n[a.txt could not be fetched]");
}

#[test]
fn a_file_of_unknown_size_is_imported_if_it_is_small() {
    let fixture = ChannelFixture::new();
    fixture.provider.file("small.txt", "a small file");
    fixture.provider.file("large.bin", vec![0; 3 * 1024 * 1024]);
    let url = |name: &str| format!("http://{}/unsized/{name}", fixture.provider.address());
    let files = json!([["small.txt", url("small.txt")], ["large.bin", url("large.bin")]]);
    fixture.report_events(
        &json!([{"inbound": {"id": "in-1", "conversation": "c", "with": LEE, "text": "planted text", "files": files}}]),
    );
    fixture.front.wait_for(|state| state.messages().count() == 1);
    let message = first_inbound(&fixture).expect("a message");
    assert_eq!(message.text, "planted text\n[large.bin is large and of unknown size]");
    assert_eq!(message.attachments.len(), 1);
    assert_eq!(message.attachments[0].digest, digest(b"a small file"));
}

#[test]
fn files_over_the_total_size_are_omitted() {
    let fixture = ChannelFixture::new();
    fixture.provider.file("half.bin", vec![0; 14 * 1024 * 1024]);
    let url = format!("http://{}/files/half.bin", fixture.provider.address());
    let files = json!([["one.bin", url], ["two.bin", url], ["three.txt", "a small file"]]);
    fixture.report_events(
        &json!([{"inbound": {"id": "in-1", "conversation": "c", "with": LEE, "text": "planted text", "files": files}}]),
    );
    fixture.front.wait_for(|state| state.messages().count() == 1);
    let message = first_inbound(&fixture).expect("a message");
    assert_eq!(message.text, "planted text\n[two.bin is too large]");
    let names: Vec<_> = message.attachments.iter().map(|file| &*file.filename).collect();
    assert_eq!(names, ["one.bin", "three.txt"]);
}

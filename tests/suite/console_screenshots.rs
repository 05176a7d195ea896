//! Takes the pictures of README.md: the console of the demo, in a real browser. `cargo xtask screenshots` writes them.

use std::fs;
use std::path::Path;

use frontgate_tests::{Chromium, Demo, root};

/// Environment variable with the folder of the pictures; without it, none is written.
const FOLDER: &str = "FRONTGATE_SCREENSHOTS";

/// The pictures, with the paths of their pages. `SID` is the conversation's.
const PICTURES: [(&str, &str); 2] =
    [("console-overview.png", "/"), ("console-conversation.png", "/conversations/demo/SID")];

/// First bytes of a PNG file.
const PNG: &[u8] = b"\x89PNG\r\n";

#[test]
fn pictures_of_the_console_are_taken_from_the_demo() {
    let demo = Demo::start();
    let shown = demo.run("twilio-simulator sms --from +12125550143 --body \"Are you open on Saturday?\"");
    let sid = shown.split_whitespace().find(|word| word.starts_with("CH")).expect("a conversation").to_owned();
    demo.run("frontgate send twilio crm --set Query=bakery");
    demo.run("frontgate send twilio templates");
    demo.run("front-simulator message --to +12125550143 --body \"Yes, until noon.\"");
    demo.gateway.drop_plugin("loyalty", b"no component");
    demo.gateway.log().event("plugin.refused").wait_for(1);
    let browser = Chromium::start(1280, &[]);
    let link = demo.run("frontgate console --for ana");
    browser.open(link.lines().next().expect("a link"));
    let origin = format!("http://{}", demo.gateway.console_address());
    browser.wait_for_text("h1", "1 item needs attention");
    // The numbers of a callback are counted at the end of an interval of 10 seconds.
    let person = demo.gateway.sign_in("ben", "viewer");
    person.wait_for("/.json", "numbers", |view| view["callbacks"][0]["total"].as_u64().is_some_and(|total| total > 0));
    for (name, path) in PICTURES {
        browser.open(&format!("{origin}{}", path.replace("SID", &sid)));
        browser.wait_for_text("nav .brand span", "Frontgate");
        let picture = browser.screenshot();
        assert!(picture.starts_with(PNG), "{name}");
        if let Some(folder) = std::env::var_os(FOLDER) {
            fs::create_dir_all(&folder).expect("a folder");
            fs::write(Path::new(&folder).join(name), picture).expect("a file");
        }
    }
}

#[test]
fn the_readme_shows_the_pictures() {
    let readme = fs::read_to_string(root().join("README.md")).expect("the page");
    for (name, _) in PICTURES {
        assert!(
            readme.contains(&format!("docs/images/{name}")) && root().join("docs/images").join(name).is_file(),
            "{name}"
        );
    }
}

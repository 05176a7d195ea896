//! Tests the console's lists as CSV.

use frontgate_tests::{Answer, Setup, list};

use crate::delivery::{OURS, start_with_twilio};

const LISTS: [&str; 7] = [
    "/live.csv",
    "/conversations.csv",
    "/deliveries.csv",
    "/deliveries.csv?state=sent",
    "/channels.csv",
    "/plugins.csv",
    "/audit.csv",
];

/// Returns the lines of a file whose cells contain no line end.
fn lines(answer: &Answer) -> Vec<&str> {
    answer.text.split_terminator("\r\n").collect()
}

#[test]
fn each_list_is_a_file_that_its_page_links_to() {
    let gateway = Setup::misbehaving().start();
    let person = gateway.sign_in("ana", "viewer");
    for path in LISTS {
        let answer = person.get(path);
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        assert_eq!(answer.headers["content-type"], "text/csv; charset=utf-8", "{path}");
        assert!(answer.headers["content-disposition"].starts_with("attachment; filename=\"frontgate-"), "{path}");
        let page = person.get(&path.replace(".csv", "")).text;
        let link = path.split('?').next().expect("a path");
        // The page about conversations has a file once there is one.
        assert!(page.contains(link) || link == "/conversations.csv", "{path}");
    }
}

#[test]
fn a_page_that_is_no_list_is_no_file() {
    let gateway = Setup::misbehaving().start();
    let person = gateway.sign_in("ana", "viewer");
    for path in ["/setup.csv", "/plugins/plugin.csv", "/none.csv"] {
        assert_eq!(person.get(path).status, 404, "{path}");
    }
}

#[test]
fn a_file_has_the_rows_of_its_page() {
    let gateway = Setup::misbehaving().start();
    let person = gateway.sign_in("ana", "viewer");
    (0..3).for_each(|_| assert_eq!(gateway.crm(&list(&[])).status, 200));
    let live = person.wait_for("/live.json?q=callback:crm", "three rows", |live| live["rows"][2].is_object());
    let file = person.get("/live.csv?q=callback:crm");
    let ids: Vec<&str> = lines(&file)[1..].iter().filter_map(|line| line.split(',').nth(1)).collect();
    let expected: Vec<_> = live["rows"].as_array().expect("rows").iter().map(|row| row["id"].as_str()).collect();
    assert_eq!(ids.into_iter().map(Some).collect::<Vec<_>>(), expected);
}

#[test]
fn a_cell_of_a_file_begins_no_formula() {
    let gateway = Setup::misbehaving().start();
    let person = gateway.sign_in_with(&["--for", "=HYPERLINK(1)", "--role", "operator"]);
    let file = person.get("/audit.csv");
    assert!(lines(&file)[1].contains(",'=HYPERLINK(1),"), "{}", file.text);
    assert!(!file.text.contains(",=") && !file.text.contains("\"="), "{}", file.text);
}

#[test]
fn files_of_viewers_contain_no_personal_data() {
    let (twilio, gateway) = start_with_twilio(|setup| setup);
    twilio.inbound_sms("+12025550107", OURS, "planted text").expect("a conversation");
    gateway.wait_for_delivery(1, "sent");
    for role in ["viewer", "operator"] {
        let person = gateway.sign_in("vic", role);
        for path in LISTS {
            let text = person.get(path).text;
            for planted in ["2025550107", "planted text", "Acme customer"] {
                assert!(!text.contains(planted), "{path} has {planted}: {text}");
            }
        }
    }
}

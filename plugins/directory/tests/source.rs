//! Tests the role `crm-source`: cursors, changed files, and agreement with the role `crm`.

use std::fs;
use std::io::Write as _;

use directory::Directory;
use frontgate_sdk::{
    Audience, Batch, ChangeAnswer, Crm as _, CrmSource as _, Error, ListRequest, Result, SourceCustomer, Visibility,
    testing,
};
use proptest::collection::vec;
use proptest::prelude::*;
use tempfile::TempDir;

const PEOPLE: &str = "id,name,email,phone,company,owner\n\
    1,Mora Lind,mora@example.com,+1 202 555 0107,Lind Boats,ana@example.org\n\
    2,Otto Berg,,12,,Ben@Example.org\n\
    3,Irma Dahl,irma@example.com,,,\n\
    4,Tove Eide,,,,Änne\n";

/// A customers' file in a folder of its own.
struct Folder {
    folder: TempDir,
    name: &'static str,
}

impl Folder {
    fn new(name: &'static str, text: impl AsRef<[u8]>) -> Self {
        let folder = Self { folder: tempfile::tempdir().expect("a folder"), name };
        folder.write(text);
        folder.settings(&[]);
        folder
    }

    fn path(&self) -> String {
        self.folder.path().join(self.name).display().to_string()
    }

    fn write(&self, text: impl AsRef<[u8]>) {
        fs::write(self.path(), text).expect("written");
    }

    fn settings(&self, more: &[(&str, &str)]) {
        let path = ("customers".to_owned(), self.path());
        let more = more.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        testing::settings([path].into_iter().chain(more));
    }
}

fn batch(since: Option<&[u8]>, limit: u32) -> Batch {
    match Directory::changes(since.map(<[u8]>::to_vec), limit) {
        Ok(ChangeAnswer::Batch(batch)) => batch,
        other => panic!("{other:?}"),
    }
}

/// Returns all customers and the last cursor, after checking each batch.
fn enumerate(limit: u32) -> (Vec<SourceCustomer>, Vec<u8>) {
    let mut all = Vec::new();
    let mut next: Option<Vec<u8>> = None;
    loop {
        let batch = batch(next.as_deref(), limit);
        assert!(batch.upserts.len() <= limit as usize && batch.next.len() <= 4_096);
        assert!(batch.has_more || Some(&batch.next) != next.as_ref(), "the cursor did not move");
        all.extend(batch.upserts);
        if !batch.has_more {
            return (all, batch.next);
        }
        next = Some(batch.next);
    }
}

fn ids(customers: &[SourceCustomer]) -> Vec<&str> {
    customers.iter().map(|customer| &*customer.customer.customer_id).collect()
}

fn is_seen_by(customer: &SourceCustomer, worker: &str) -> bool {
    match &customer.seen_by {
        Visibility::Everyone => true,
        Visibility::Only(audience) => audience.iter().any(|one| match one {
            Audience::Worker(identity) => identity.to_lowercase() == worker.to_lowercase(),
            Audience::Team(_) => false,
        }),
    }
}

/// Returns the ids of the customers that the role `crm` lists.
fn listed(worker: &str) -> Vec<String> {
    let page = Directory::list_customers(ListRequest::first(worker, 1_000)).expect("a page");
    let mut ids: Vec<_> = page.customers.into_iter().map(|customer| customer.customer_id).collect();
    ids.sort();
    ids
}

#[test]
fn a_customer_has_what_the_file_says() {
    let _folder = Folder::new("customers.csv", PEOPLE);
    let (all, _) = enumerate(1_000);
    assert_eq!(ids(&all), ["1", "2", "3", "4"]);
    let [mora, otto, irma, _] = all.as_slice() else { panic!("{all:?}") };
    assert_eq!(mora.customer, Directory::get_customer("ana@example.org", "1").expect("Mora"));
    assert_eq!(mora.seen_by, Visibility::Only(vec![Audience::worker("ana@example.org")]));
    assert_eq!(
        (mora.company.as_deref(), mora.emails.as_slice()),
        (Some("Lind Boats"), &["mora@example.com".into()][..])
    );
    assert!(mora.is_complete && mora.numbers.is_empty());
    assert_eq!(otto.numbers, ["12"], "an invalid number can be searched");
    assert_eq!((&irma.seen_by, irma.company.as_ref()), (&Visibility::Everyone, None));
}

#[test]
fn an_unchanged_file_is_not_read_again() {
    let folder = Folder::new("customers.csv", PEOPLE);
    let (_, end) = enumerate(2);
    // Unreadable now, and yet of the same length and time.
    let file = fs::File::options().write(true).open(folder.path()).expect("the file");
    let modified = file.metadata().and_then(|found| found.modified()).expect("a time");
    fs::write(folder.path(), vec![0xff; PEOPLE.len()]).expect("written");
    file.set_modified(modified).expect("set");
    let batch = batch(Some(&end), 2);
    assert_eq!((batch.upserts.len(), batch.has_more, &batch.next), (0, false, &end));
}

#[test]
fn a_changed_file_expires_the_cursor() {
    let folder = Folder::new("customers.csv", PEOPLE);
    let (_, end) = enumerate(1_000);
    folder.write(format!("{PEOPLE}5,Tove Dahl,,,,\n"));
    assert_eq!(Directory::changes(Some(end), 1_000), Ok(ChangeAnswer::CursorExpired));
    assert_eq!(ids(&enumerate(1_000).0), ["1", "2", "3", "4", "5"]);
}

#[test]
fn a_change_during_the_enumeration_expires_the_cursor() {
    let folder = Folder::new("customers.csv", PEOPLE);
    let first = batch(None, 1);
    folder.write(PEOPLE.replace("2,Otto Berg", "2,Otto Bergman"));
    assert_eq!(Directory::changes(Some(first.next), 1), Ok(ChangeAnswer::CursorExpired));
}

#[test]
fn a_file_of_the_same_length_with_another_time_is_a_changed_file() {
    let folder = Folder::new("customers.csv", PEOPLE);
    let (_, end) = enumerate(1_000);
    let file = fs::File::options().write(true).open(folder.path()).expect("the file");
    file.set_modified(std::time::SystemTime::UNIX_EPOCH).expect("set");
    assert_eq!(Directory::changes(Some(end), 1_000), Ok(ChangeAnswer::CursorExpired));
}

#[test]
fn cursors_of_other_formats_are_expired() {
    let _folder = Folder::new("customers.csv", PEOPLE);
    let (_, end) = enumerate(1);
    let newer = String::from_utf8(end.clone()).expect("text").replace("\"format\":1", "\"format\":2");
    for cursor in [b"".to_vec(), b"7".to_vec(), vec![0xff; 4_096], newer.into_bytes(), end[1..].to_vec()] {
        assert_eq!(Directory::changes(Some(cursor), 1), Ok(ChangeAnswer::CursorExpired));
    }
}

#[test]
fn the_same_cursor_gives_the_same_customers() {
    let _folder = Folder::new("customers.csv", PEOPLE);
    let first = batch(None, 1);
    assert_eq!(batch(Some(&first.next), 1), batch(Some(&first.next), 1));
}

#[test]
fn every_worker_sees_what_the_list_shows() {
    let folder = Folder::new("customers.csv", PEOPLE);
    for own_only in ["true", "false"] {
        folder.settings(&[("own_customers_only", own_only)]);
        let (all, _) = enumerate(1_000);
        for worker in [
            "ana@example.org",
            "ANA@example.org",
            "ben@example.org",
            "Ben@Example.org",
            "eve@example.org",
            "änne",
            "ÄNNE",
            "",
        ] {
            let seen: Vec<_> = all.iter().filter(|customer| is_seen_by(customer, worker)).cloned().collect();
            assert_eq!(ids(&seen), listed(worker), "{worker} {own_only}");
        }
    }
}

#[test]
fn of_rows_with_the_same_id_the_first_one_counts() {
    let text =
        "id,name,owner\n7,First,ana@example.org\n8,Other,\n7,Second,\n9,Last,\n8,Again,ana@example.org\n7,Third,\n";
    let _folder = Folder::new("customers.csv", text);
    for limit in [1, 2, 1_000] {
        let (all, _) = enumerate(limit);
        let names: Vec<_> = all.iter().map(|customer| &*customer.customer.display_name).collect();
        assert_eq!(names, ["First", "Other", "Last"]);
    }
    let fetched = Directory::fetch(["8", "7"].map(str::to_owned).to_vec()).expect("customers");
    assert_eq!(fetched.iter().map(|one| &*one.customer.display_name).collect::<Vec<_>>(), ["First", "Other"]);
    assert_eq!(listed("ben@example.org"), ["8", "9"]);
}

#[test]
fn more_duplicates_than_a_cursor_holds_are_left_out() {
    let rows: String = (0..1_000).map(|row| format!("{},Row {row}\n", row % 500)).collect();
    let _folder = Folder::new("customers.csv", format!("id,name\n{rows}"));
    let (all, _) = enumerate(7);
    assert_eq!(all.len(), 500);
    assert!(all.iter().enumerate().all(|(row, one)| one.customer.display_name == format!("Row {row}")));
}

#[test]
fn rows_without_an_id_are_left_out() {
    let _folder = Folder::new("customers.csv", "id,name\n,Nobody\n7,Mora\n\n,\n");
    for limit in [1, 1_000] {
        assert_eq!(ids(&enumerate(limit).0), ["7"]);
    }
    assert!(testing::logged().contains(&"warn: omitted 2 of 3 rows: no id, a duplicate id, or too large".to_owned()));
}

#[test]
fn an_empty_file_has_no_customers() {
    for (name, text) in [("customers.csv", ""), ("customers.csv", "id,name\n"), ("customers.json", " [ ] \n")] {
        let _folder = Folder::new(name, text);
        let (all, end) = enumerate(1_000);
        assert_eq!((all.len(), batch(Some(&end), 1).has_more), (0, false), "{name} {text:?}");
    }
}

#[test]
fn a_large_customer_loses_details_and_a_batch_stays_small() {
    let details = "x".repeat(70_000);
    let mut text = format!("id,name,note\n0,Mora,{details}\n");
    (1..100).for_each(|id| text += &format!("{id},Mora,{}\n", "x".repeat(60_000)));
    let _folder = Folder::new("customers.csv", text);
    let first = batch(None, 1_000);
    assert_eq!(first.upserts[0].customer.details, None);
    assert!(first.has_more && (15..20).contains(&first.upserts.len()), "{}", first.upserts.len());
    assert_eq!(enumerate(1_000).0.len(), 100);
}

#[test]
fn a_named_column_that_is_missing_stops_the_source() {
    let folder = Folder::new("customers.csv", PEOPLE);
    folder.settings(&[("columns.owner", "onwer")]);
    let missing = |answer: Option<Error>| matches!(answer, Some(Error::Failed(why)) if why.contains("`onwer`"));
    assert!(missing(Directory::changes(None, 10).err()));
    assert!(missing(Directory::fetch(vec!["1".to_owned()]).err()));
}

#[test]
fn a_file_that_is_missing_or_broken_is_an_error() {
    let folder = Folder::new("customers.json", "[{\"id\": 7}, 8]");
    assert!(matches!(Directory::changes(None, 10), Err(Error::Failed(_))));
    for broken in ["{}", "[{\"id\": 7}", "[{\"id\": 7}]]", "[{\"id\": 7} {}]", "[{\"id\": 7},]", ""] {
        folder.write(broken);
        let answer: Result<_> = Directory::changes(None, 10);
        assert!(matches!(answer, Err(Error::Failed(_))), "{broken} {answer:?}");
    }
    fs::remove_file(folder.path()).expect("removed");
    assert!(matches!(Directory::changes(None, 10), Err(Error::Unavailable(_))));
    let latin = Folder::new("customers.csv", b"id,name\n7,Gon\xe7alves\n");
    assert!(matches!(Directory::changes(None, 10), Err(Error::Failed(why)) if why.contains("UTF-8")));
    drop(latin);
}

#[test]
fn known_ids_are_fetched_and_others_are_missing() {
    let _folder = Folder::new("customers.csv", PEOPLE);
    let fetched = Directory::fetch(["3", "9", "1"].map(str::to_owned).to_vec()).expect("customers");
    assert_eq!(ids(&fetched), ["1", "3"]);
    assert_eq!(fetched[0], enumerate(1_000).0[0]);
}

/// Writes a value as CSV, with the quotes that it needs.
fn quoted(value: &str) -> String {
    format!("\"{}\"", value.replace('"', "\"\""))
}

/// A value with what is special in CSV.
fn value() -> impl Strategy<Value = String> {
    let piece =
        prop::sample::select(vec!["a", "ö", "王", "\"", ",", ";", "\t", "\n", "\r\n", "\r", " ", "\u{feff}", "'"]);
    vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn batches_of_any_size_are_the_whole_csv_file(
        rows in vec((value(), value(), any::<bool>()), 0..40),
        limit in 1_u32..20,
        separator in prop::sample::select(vec![",", ";", "\t"]),
        end in prop::sample::select(vec!["\n", "\r\n"]),
        has_bom in any::<bool>(),
        has_last_end in any::<bool>(),
        distinct in 1_usize..60,
    ) {
        let mut text = if has_bom { "\u{feff}".to_owned() } else { String::new() };
        text += &["name", "id", "owner"].join(separator);
        for (number, (name, owner, is_quoted)) in rows.iter().enumerate() {
            let number = number % distinct;
            let name = match is_quoted {
                true => quoted(name),
                false => name.replace(['"', ',', ';', '\t', '\n', '\r'], ""),
            };
            text += &format!("{end}{name}{separator}{number}{separator}{}", quoted(owner));
        }
        if has_last_end {
            text += end;
        }
        let _folder = Folder::new("customers.csv", text);
        let whole = batch(None, 1_000);
        prop_assert!(!whole.has_more && whole.upserts.len() == rows.len().min(distinct));
        let (pieces, _) = enumerate(limit);
        prop_assert_eq!(&pieces, &whole.upserts);
        let (everyones, mut ids) = (listed("eve@example.org"), Vec::new());
        ids.extend(pieces.iter().filter(|one| is_seen_by(one, "eve@example.org")).map(|one| one.customer.customer_id.clone()));
        ids.sort();
        prop_assert_eq!(ids, everyones);
    }

    #[test]
    fn batches_of_any_size_are_the_whole_json_file(
        names in vec(value(), 0..40),
        limit in 1_u32..20,
        space in prop::sample::select(vec!["", " ", "\r\n"]),
        has_bom in any::<bool>(),
    ) {
        let objects = names.iter().enumerate().map(|(id, name)| serde_json::json!({ "name": name, "id": id }).to_string());
        let objects = objects.collect::<Vec<_>>().join(&format!("{space},{space}"));
        let bom = if has_bom { "\u{feff}" } else { "" };
        let _folder = Folder::new("customers.json", format!("{bom}{space}[{space}{objects}{space}]{space}"));
        let whole = batch(None, 1_000);
        prop_assert!(!whole.has_more && whole.upserts.len() == names.len());
        prop_assert_eq!(enumerate(limit).0, whole.upserts);
    }
}

#[test]
fn a_batch_reads_only_its_part_of_the_file() {
    let mut text = "id,name\n".to_owned();
    (0..2_000).for_each(|id| text += &format!("{id},Mora\n"));
    let folder = Folder::new("customers.csv", &text);
    let first = batch(None, 1_000);
    // Breaks the rows that were reported, without a change of length and time.
    let mut file = fs::File::options().write(true).open(folder.path()).expect("the file");
    let modified = file.metadata().and_then(|found| found.modified()).expect("a time");
    file.write_all(b"id,name\n\xff\xff\xff").expect("written");
    file.set_modified(modified).expect("set");
    assert_eq!(batch(Some(&first.next), 1_000).upserts[0].customer.customer_id, "1000");
}

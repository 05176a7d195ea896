use std::time::Duration;

use super::*;

fn entry(name: &str, age: u64, bytes: u64) -> Entry {
    Entry { name: name.to_owned(), modified: SystemTime::UNIX_EPOCH + Duration::from_secs(1_000 - age), bytes }
}

fn of_three(files_max: usize, bytes_max: u64) -> Vec<String> {
    surplus(vec![entry("new", 1, 10), entry("oldest", 9, 10), entry("old", 5, 10)], files_max, bytes_max)
}

#[test]
fn what_was_used_longest_ago_goes_first() {
    assert_eq!(of_three(1, 100), ["oldest", "old"]);
}

#[test]
fn bytes_are_limited_as_files_are() {
    assert_eq!(of_three(10, 29), ["oldest"]);
    assert_eq!(of_three(10, 9), ["oldest", "old", "new"]);
}

#[test]
fn nothing_goes_within_the_limits() {
    assert!(of_three(3, 30).is_empty());
}

#[test]
fn a_description_is_read_back_from_behind_the_code() {
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(b"machine code").expect("a write");
    let manifest = Manifest { bytes: 7, sdk: Some("0.1.0".to_owned()), ..Manifest::default() };
    append(&mut file, &manifest).expect("a digest");
    assert_eq!(description(&file).expect("a description"), manifest);
}

#[test]
fn a_file_without_a_description_is_not_usable() {
    let mut file = tempfile::tempfile().expect("a file");
    assert!(description(&file).is_err());
    file.write_all(&[0xff; 100]).expect("a write");
    assert!(description(&file).is_err());
}

#[test]
fn a_folder_gives_out_no_link_and_no_file_that_others_can_write() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let place = tempfile::TempDir::new().expect("a folder");
    let folder = Folder::open(&place.path().join("own")).expect("a folder");
    let path = |name: &str| place.path().join("own").join(name);
    folder.create("file").expect("a file");
    assert!(folder.read("file").is_some());
    symlink(path("file"), path("link")).expect("a link");
    assert!(folder.read("link").is_none());
    std::fs::set_permissions(path("file"), std::fs::Permissions::from_mode(0o666)).expect("a mode");
    assert!(folder.read("file").is_none());
}

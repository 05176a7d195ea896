use super::*;

fn open(folder: &Path, names_max: usize, versions_bytes_max: u64) -> Records {
    let plugins = frontgate_runtime::settings::Plugins {
        names_max,
        versions_bytes_max,
        ..frontgate_runtime::settings::Plugins::default()
    };
    Records::open(folder, Access::Write, &plugins).expect("records")
}

fn save(records: &mut Records) {
    let written = records.take_pending().as_ref().map(PendingWrite::write);
    written.transpose().expect("they are written");
    records.finish_write(true, Vec::new());
}

fn live(records: &mut Records, name: &str, bytes: &[u8]) -> Digest {
    let manifest = Manifest { bytes: bytes.len(), ..Manifest::default() };
    records.live(name, Digest::of(bytes), &manifest, Some(Bytes::copy_from_slice(bytes)));
    Digest::of(bytes)
}

#[test]
fn a_flood_of_names_pushes_out_itself() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut records = open(folder.path(), 10, 1 << 20);
    live(&mut records, "good", b"good");
    live(&mut records, "rested", b"rested");
    records.removed("rested");
    records.allow("decided", Digest::of(b"decided"));
    for number in 0..1_000 {
        let name = format!("flood-{number}");
        live(&mut records, &name, name.as_bytes());
        records.removed(&name);
    }
    assert_eq!(records.names().count(), 10);
    for name in ["good", "rested", "decided"] {
        assert!(records.names().any(|known| known == name), "{name}");
    }
}

#[test]
fn names_that_never_answered_are_not_remembered() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut records = open(folder.path(), 10, 1 << 20);
    records.removed("never");
    assert_eq!(records.names().count(), 0);
}

#[test]
fn bytes_of_versions_have_a_bound_and_the_live_ones_stay() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut records = open(folder.path(), 100, 2_500);
    let gone = live(&mut records, "gone", &[1; 1_000]);
    records.removed("gone");
    let old = live(&mut records, "plugin", &[2; 1_000]);
    let new = live(&mut records, "plugin", &[3; 1_000]);
    save(&mut records);
    let read = |digest| read_version(folder.path(), digest);
    assert!(read(gone).is_err() && read(old).is_ok() && read(new).is_ok());
    // The manifest of the removed plugin is kept.
    assert_eq!(records.of("gone").versions().count(), 1);
    let newest = live(&mut records, "plugin", &[4; 3_000]);
    save(&mut records);
    assert!(read(old).is_err() && read(new).is_err() && read(newest).is_ok());
}

#[test]
fn records_that_are_whole_come_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut records = open(folder.path(), 10, 1 << 20);
    let digest = live(&mut records, "plugin", b"1");
    records.exclude("plugin", Digest::of(b"2"), "a reason");
    save(&mut records);
    let records = open(folder.path(), 10, 1 << 20);
    assert!(records.damaged().is_none());
    assert_eq!(records.of("plugin").live, Some(digest));
    assert!(records.of("plugin").excluded(Digest::of(b"2")).is_some());
}

#[test]
fn a_file_that_another_program_changed_is_kept_when_it_is_replaced() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut records = open(folder.path(), 10, 1 << 20);
    live(&mut records, "plugin", b"1");
    save(&mut records);
    std::fs::write(folder.path().join("plugins.json"), "another program's text").expect("a file");
    live(&mut records, "plugin", b"2");
    save(&mut records);
    let kept = std::fs::read_dir(folder.path()).expect("the folder").flatten();
    let kept: Vec<_> = kept.filter(|entry| entry.file_name().to_string_lossy().contains("damaged-")).collect();
    assert_eq!(kept.len(), 1);
    assert_eq!(std::fs::read_to_string(kept[0].path()).expect("the file"), "another program's text");
    assert!(open(folder.path(), 10, 1 << 20).damaged().is_none());
}

#[test]
fn damage_refuses_what_was_not_live_and_deletes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut records = open(folder.path(), 10, 1 << 20);
    let first = live(&mut records, "plugin", b"1");
    save(&mut records);
    let second = live(&mut records, "plugin", b"2");
    save(&mut records);
    for text in ["", "{", "{}", "[]", "\u{0}"] {
        std::fs::write(folder.path().join("plugins.json"), text).expect("a file");
        let mut records = open(folder.path(), 10, 1 << 20);
        assert!(records.damaged().is_some(), "{text}");
        let record = records.of("plugin");
        assert!(record.blocked("plugin", first).is_none() && record.blocked("plugin", second).is_none());
        assert!(record.blocked("plugin", Digest::of(b"3")).is_some() && records.of("x").blocked("x", first).is_none());
        live(&mut records, "plugin", b"2");
        save(&mut records);
        assert!(read_version(folder.path(), first).is_ok() && read_version(folder.path(), second).is_ok());
    }
}

#[test]
fn missing_records_are_damage_where_there_were_some() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut records = open(folder.path(), 10, 1 << 20);
    assert!(records.damaged().is_none(), "a fresh folder");
    live(&mut records, "plugin", b"1");
    save(&mut records);
    for name in ["plugins.json", "plugins.json.previous"] {
        std::fs::remove_file(folder.path().join(name)).expect("the file");
    }
    let records = open(folder.path(), 10, 1 << 20);
    let marker = records.damaged().expect("damage");
    assert!(open(folder.path(), 10, 1 << 20).damaged().is_some(), "also at the next start");
    std::fs::remove_file(&*marker).expect("the file");
    assert!(open(folder.path(), 10, 1 << 20).damaged().is_none(), "the operator has looked at it");
}

#[test]
fn a_version_outlasts_a_write_that_failed() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut records = open(folder.path(), 10, 1 << 20);
    let version = live(&mut records, "plugin", b"plugin");
    // A file in place of the folder `versions` makes the write fail.
    std::fs::remove_dir(folder.path().join("versions")).expect("an empty folder");
    std::fs::write(folder.path().join("versions"), "").expect("a file");
    let pending = records.take_pending().expect("something to write");
    assert!(pending.write().is_err());
    records.finish_write(false, pending.new);
    std::fs::remove_file(folder.path().join("versions")).expect("a file");
    save(&mut records);
    assert_eq!(read_version(folder.path(), version).expect("its bytes"), b"plugin");
}

//! The fuzz targets over their committed seeds, without libFuzzer: targets compile, and their properties hold.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

#[expect(unreachable_pub, reason = "another crate includes the same file as its library")]
#[path = "../../fuzz/src/lib.rs"]
mod targets;

fn fuzz() -> PathBuf {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it");
    PathBuf::from(package).join("../fuzz")
}

/// The names in a folder, without endings.
fn names(folder: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(fuzz().join(folder)).expect("a folder").flatten();
    let stem = |path: PathBuf| path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    entries.filter_map(|entry| stem(entry.path())).collect()
}

/// Runs a target, and names the input if a property does not hold.
fn holds(run: targets::Target, bytes: &[u8], name: &str) {
    assert!(std::panic::catch_unwind(|| run(bytes)).is_ok(), "{name}: the target panicked, see above");
}

/// The seeds of a target with their names.
fn seeds(target: &str) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(fuzz().join("seeds").join(target)).expect("a folder").flatten();
    let read = |entry: fs::DirEntry| (entry.path().display().to_string(), fs::read(entry.path()).expect("a seed"));
    let mut seeds: Vec<_> = entries.map(read).collect();
    seeds.sort();
    seeds
}

#[test]
fn every_seed_holds() {
    for (target, run) in targets::ALL {
        for (name, bytes) in seeds(target) {
            holds(run, &bytes, &name);
        }
    }
}

#[test]
fn every_seed_cut_short_holds() {
    for (target, run) in targets::ALL {
        for (name, bytes) in seeds(target) {
            for eighths in 1..8 {
                holds(run, &bytes[..bytes.len() * eighths / 8], &format!("{name}, {eighths} eighths of it"));
            }
        }
    }
}

#[test]
fn every_target_has_an_entry_point_and_seeds() {
    let all: BTreeSet<String> = targets::ALL.iter().map(|(name, _)| (*name).to_owned()).collect();
    let manifest = fs::read_to_string(fuzz().join("Cargo.toml")).expect("a manifest");
    let programs: BTreeSet<String> = manifest
        .split("[[bin]]")
        .skip(1)
        .filter_map(|program| Some(program.split_once("name = \"")?.1.split_once('"')?.0.to_owned()))
        .collect();
    assert_eq!(programs, all, "fuzz/Cargo.toml and fuzz/src/lib.rs name different targets");
    assert_eq!(names("fuzz_targets"), all);
    assert_eq!(names("seeds"), all);
    assert!(all.iter().all(|target| !seeds(target).is_empty()), "a target without seeds");
}

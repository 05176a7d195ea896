use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};

use tempfile::TempDir;

use super::*;

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
}

fn refusal<T: std::fmt::Debug>(result: io::Result<T>, words: &str) {
    let error = result.expect_err("a refusal");
    assert!(is_refusal(&error) && error.to_string().contains(words), "{error}");
}

/// Creates a folder, a folder inside it, and a file in the inner folder.
fn nested() -> (TempDir, PathBuf, PathBuf) {
    let temporary = TempDir::new().expect("a folder");
    let parent = temporary.path().canonicalize().expect("a path").join("parent");
    fs::create_dir(&parent).expect("a folder");
    fs::create_dir(parent.join("leaf")).expect("a folder");
    fs::write(parent.join("leaf/file"), "text").expect("a file");
    chmod(&parent.join("leaf/file"), 0o644);
    chmod(&parent.join("leaf"), 0o755);
    chmod(&parent, 0o755);
    let leaf = parent.join("leaf");
    (temporary, parent, leaf)
}

#[test]
fn a_file_below_a_sticky_folder_is_read() {
    let (_temporary, parent, leaf) = nested();
    chmod(&parent, 0o1777);
    assert_eq!(read_to_string(&leaf.join("file")).expect("the text"), "text");
}

#[test]
fn a_parent_that_others_can_write_to_is_refused() {
    let (_temporary, parent, leaf) = nested();
    chmod(&parent, 0o777);
    let shown = format!("others can write to the folder {} (mode 0777): run `chmod go-w", parent.display());
    refusal(open(&leaf.join("file")), &shown);
    refusal(Folder::private(&leaf), &shown);
    refusal(Folder::shared(&leaf), &shown);
}

#[test]
fn a_missing_private_folder_is_created_for_this_user_alone() {
    let (_temporary, parent, _) = nested();
    let folder = Folder::private(&parent.join("a/b")).expect("a folder");
    assert_eq!(fs::metadata(folder.path()).expect("a folder").mode() & 0o777, 0o700);
    assert_eq!(fs::metadata(parent.join("a")).expect("a folder").mode() & 0o777, 0o700);
}

#[test]
fn a_missing_shared_folder_or_file_is_not_found() {
    let (_temporary, parent, _) = nested();
    assert_eq!(Folder::shared(&parent.join("no")).expect_err("an error").kind(), io::ErrorKind::NotFound);
    assert_eq!(open(&parent.join("no")).expect_err("an error").kind(), io::ErrorKind::NotFound);
}

#[test]
fn a_private_folder_that_is_sticky_is_refused() {
    let (_temporary, _, leaf) = nested();
    chmod(&leaf, 0o1777);
    refusal(Folder::private(&leaf), "others can write");
    Folder::shared(&leaf).expect("its files are checked one by one");
}

#[test]
fn a_file_that_others_can_write_to_is_refused() {
    let (_temporary, _, leaf) = nested();
    chmod(&leaf.join("file"), 0o666);
    refusal(open(&leaf.join("file")), "others can write to the file");
    refusal(Folder::shared(&leaf).expect("the folder").file("file"), "others can write to the file");
}

#[test]
fn links_of_trusted_users_are_followed_and_their_targets_checked() {
    let (_temporary, parent, leaf) = nested();
    symlink("leaf", parent.join("..data")).expect("a link");
    symlink("..data/file", parent.join("file")).expect("a link");
    symlink(leaf.join("../leaf/file"), parent.join("absolute")).expect("a link");
    assert_eq!(read_to_string(&parent.join("file")).expect("the text"), "text");
    assert_eq!(read_to_string(&parent.join("absolute")).expect("the text"), "text");
    chmod(&leaf, 0o777);
    refusal(open(&parent.join("file")), "others can write");
    refusal(open(&parent.join("absolute")), "others can write");
}

#[test]
fn a_link_in_a_circle_ends() {
    let (_temporary, parent, _) = nested();
    symlink("circle", parent.join("circle")).expect("a link");
    let error = open(&parent.join("circle")).expect_err("an error");
    assert_eq!(error.raw_os_error(), Some(rustix::io::Errno::LOOP.raw_os_error()));
}

#[test]
fn what_another_user_owns_is_refused() {
    let (_temporary, parent, leaf) = nested();
    if chown(&leaf, Some(65534), None).is_err() {
        // Only root can change the owner of a file.
        return;
    }
    refusal(open(&leaf.join("file")), "belongs to another user");
    refusal(Folder::private(&leaf), "belongs to another user");
    chown(&leaf, Some(0), None).expect("the folder");
    chown(leaf.join("file"), Some(65534), None).expect("the file");
    refusal(open(&leaf.join("file")), "belongs to another user");
    symlink("leaf", parent.join("link")).expect("a link");
    std::os::unix::fs::lchown(parent.join("link"), Some(65534), None).expect("the link");
    refusal(Folder::shared(&parent.join("link")), "belongs to another user");
}

#[test]
fn a_folder_for_a_group_of_others_is_refused() {
    let (_temporary, _, leaf) = nested();
    // No group with this number is listed.
    if chown(&leaf, None, Some(4_000_000)).is_err() {
        return;
    }
    chmod(&leaf, 0o775);
    refusal(Folder::shared(&leaf), "others can write");
}

#[test]
fn pipes_and_folders_are_not_read_as_files() {
    let (_temporary, _, leaf) = nested();
    rustix::fs::mkfifoat(rustix::fs::CWD, leaf.join("pipe"), Mode::RUSR).expect("a pipe");
    assert!(open(&leaf.join("pipe")).expect_err("an error").to_string().contains("not a regular file"));
    assert_eq!(open(&leaf).expect_err("an error").kind(), io::ErrorKind::IsADirectory);
}

#[test]
fn a_pipe_that_was_handed_over_is_read() {
    let (reader, mut writer) = io::pipe().expect("a pipe");
    writer.write_all(b"text").expect("the pipe");
    drop(writer);
    let number = std::os::fd::AsRawFd::as_raw_fd(&reader);
    assert_eq!(read_to_string(Path::new(&format!("/proc/self/fd/{number}"))).expect("the text"), "text");
}

#[test]
fn a_folder_stays_the_one_that_was_opened() {
    let (_temporary, parent, leaf) = nested();
    let folder = Folder::private(&leaf).expect("the folder");
    fs::rename(&leaf, parent.join("moved")).expect("a move");
    fs::create_dir(&leaf).expect("another folder");
    folder.create("new").and_then(|mut file| file.write_all(b"1")).expect("a file");
    assert!(parent.join("moved/new").exists() && !leaf.join("new").exists());
    let mut names = folder.names().expect("names");
    names.sort();
    assert_eq!(names, ["file", "new"]);
    symlink("file", parent.join("moved/link")).expect("a link");
    folder.file("link").expect_err("links are refused");
}

//! Recognizes that a file was replaced, also through links as certbot and Kubernetes write them.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// What distinguishes two states of a file; `None` if the file cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct State(Option<[u64; 6]>);

impl State {
    /// Reads the state of the file that a path leads to.
    pub(crate) async fn of(path: &Path) -> Self {
        let metadata = tokio::fs::metadata(path).await.ok();
        // The time of the last change also reveals a rename and a change of the mode.
        Self(metadata.map(|file| {
            let times = [file.mtime(), file.mtime_nsec(), file.ctime(), file.ctime_nsec()].map(i64::cast_unsigned);
            [file.dev(), file.ino(), times[0], times[1], times[2], times[3]]
        }))
    }
}

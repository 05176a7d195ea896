//! A granted folder, and the threads that work on it: a drive that hangs holds up the calls of its own plugin,
//! and takes no thread that others need.

use std::collections::HashMap;
use std::fs::File;
use std::future::{Future, poll_fn};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use rustix::fs::OFlags;
use tokio::runtime::{Builder, Runtime};
use wasmtime_wasi::filesystem::Dir;
use wasmtime_wasi::{FsPerms, OpenMode};

/// How long an opened folder is used for further calls. One that is replaced as a whole is seen after that.
const OPENED_FOR: Duration = Duration::from_secs(1);

/// Operations that were given up while they ran, for each thread: with more of them the folder is refused
/// until some have ended, so that nothing piles up behind a drive that hangs.
const ABANDONED_PER_THREAD: usize = 4;

/// The folder of one plugin.
pub(crate) struct Folder {
    path: PathBuf,
    opened: Mutex<Option<(Instant, Dir)>>,
    pub(crate) pool: Arc<FilePool>,
}

impl Folder {
    /// A folder on these threads.
    pub(crate) fn new(path: &Path, pool: &Arc<FilePool>) -> Self {
        Self { path: path.to_owned(), opened: Mutex::default(), pool: Arc::clone(pool) }
    }

    /// The open folder.
    pub(crate) async fn open(&self) -> anyhow::Result<Dir> {
        let known = self.opened.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((since, dir)) = known
            && since.elapsed() < OPENED_FOR
        {
            return Ok(dir);
        }
        let path = self.path.clone();
        let opening = async { tokio::task::spawn_blocking(move || open(&path)).await };
        let Some(opened) = self.pool.run(opening).await else {
            bail!("the drive of the granted folder {} does not answer", self.path.display());
        };
        let dir = opened.context("the thread that opens it ended")?;
        let dir = dir.with_context(|| format!("opening the granted folder {}", self.path.display()))?;
        let dir = Dir::new(dir, FsPerms::ReadOnly, OpenMode::READ, false);
        *self.opened.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), dir.clone()));
        Ok(dir)
    }
}

fn open(path: &Path) -> std::io::Result<File> {
    let flags = OFlags::DIRECTORY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    File::options().read(true).custom_flags(flags.bits().cast_signed()).open(path)
}

/// The threads of each plugin. A plugin that is loaded anew keeps its own: a drive that hangs gets no more with
/// each version.
pub(crate) struct FilePools {
    threads: usize,
    all: Mutex<HashMap<Arc<str>, Arc<FilePool>>>,
}

impl FilePools {
    /// So many threads at most for each.
    pub(crate) fn new(threads: usize) -> Self {
        Self { threads, all: Mutex::default() }
    }

    /// Those of one plugin.
    pub(crate) fn of(&self, plugin: &Arc<str>) -> std::io::Result<Arc<FilePool>> {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pool) = all.get(plugin) {
            return Ok(Arc::clone(pool));
        }
        let pool = Arc::new(FilePool::new(self.threads)?);
        all.insert(Arc::clone(plugin), Arc::clone(&pool));
        Ok(pool)
    }
}

/// Threads for file operations of one plugin. They start when they are needed, and end when they are not.
pub(crate) struct FilePool {
    /// Only its threads for blocking work are used; nothing is ever polled on it.
    runtime: Option<Runtime>,
    threads: usize,
    abandoned: Arc<AtomicUsize>,
}

impl FilePool {
    /// So many threads at most.
    pub(crate) fn new(threads: usize) -> std::io::Result<Self> {
        let runtime = Builder::new_current_thread().max_blocking_threads(threads).thread_name("files").build()?;
        Ok(Self { runtime: Some(runtime), threads, abandoned: Arc::default() })
    }

    /// Lets what a future does on threads that may block happen on these; nothing where too many that were
    /// given up still hang.
    pub(crate) async fn run<F: Future>(&self, operation: F) -> Option<F::Output> {
        if self.hangs() {
            return None;
        }
        let mut operation = pin!(operation);
        let mut running = Running { pool: self, ended: false };
        let output = poll_fn(|context| self.enter(|| operation.as_mut().poll(context))).await;
        running.ended = true;
        Some(output)
    }

    /// Whether too many operations were given up that have not ended.
    pub(crate) fn hangs(&self) -> bool {
        self.abandoned.load(Ordering::Relaxed) >= self.threads * ABANDONED_PER_THREAD
    }

    /// Counts an operation that was given up, until a thread is free.
    pub(crate) fn abandon(&self) {
        let abandoned = Arc::clone(&self.abandoned);
        abandoned.fetch_add(1, Ordering::Relaxed);
        self.enter(|| {
            tokio::task::spawn_blocking(move || abandoned.fetch_sub(1, Ordering::Relaxed));
        });
    }

    /// The same for a function that waits for nothing.
    pub(crate) fn enter<T>(&self, operation: impl FnOnce() -> T) -> T {
        let _inside = self.runtime.as_ref().map(Runtime::enter);
        operation()
    }
}

/// An operation. One that is dropped before its end may hold a thread for as long as the drive likes.
struct Running<'p> {
    pool: &'p FilePool,
    ended: bool,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.pool.abandon();
        }
    }
}

impl Drop for FilePool {
    fn drop(&mut self) {
        // Dropping it does not wait for a drive that hangs.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[tokio::test]
    async fn a_drive_that_hangs_takes_the_threads_of_its_own_pool_and_no_more() {
        let pool = FilePool::new(2).expect("a pool");
        let (go, gone) = channel::<()>();
        let gone = Arc::new(Mutex::new(gone));
        // What is given up while a thread is free ends soon.
        for _ in 0..2 * (ABANDONED_PER_THREAD + 1) {
            let gone = Arc::clone(&gone);
            let hanging = async {
                let hang = move || gone.lock().expect("it is not poisoned").recv().is_err();
                tokio::task::spawn_blocking(hang).await
            };
            let ended = tokio::time::timeout(Duration::from_millis(1), pool.run(hanging)).await;
            assert!(!matches!(ended, Ok(Some(_))));
        }
        assert!(pool.run(async {}).await.is_none(), "nothing piles up");
        // The process's own threads are free.
        tokio::task::spawn_blocking(|| {}).await.expect("a thread");
        drop(go);
        let free = async {
            while pool.run(async {}).await.is_none() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), free).await.expect("threads become free");
    }

    #[test]
    fn a_pool_goes_without_waiting_for_a_drive_that_hangs() {
        let pool = FilePool::new(1).expect("a pool");
        let (_hangs, hang) = channel::<()>();
        pool.runtime.as_ref().expect("it runs").spawn_blocking(move || hang.recv().is_err());
        let (gone, is_gone) = channel();
        std::thread::spawn(move || {
            drop(pool);
            gone.send(())
        });
        assert_eq!(is_gone.recv_timeout(Duration::from_secs(60)), Ok(()));
    }

    #[tokio::test]
    async fn an_open_folder_serves_the_next_calls() {
        let folder = tempfile::tempdir().expect("a folder");
        let granted = Folder::new(folder.path(), &Arc::new(FilePool::new(1).expect("a pool")));
        let first = granted.open().await.expect("a folder");
        let second = granted.open().await.expect("a folder");
        assert!(Arc::ptr_eq(&first.dir, &second.dir));
        let missing = Folder::new(&folder.path().join("missing"), &granted.pool);
        assert!(missing.open().await.is_err());
    }
}

//! A granted folder and the threads that read it.
//!
//! Each plugin has threads of its own: a hanging file system delays calls of that plugin only.

use std::collections::HashMap;
use std::fs::File;
use std::future::{Future, poll_fn};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use parking_lot::Mutex;
use rustix::fs::OFlags;
use tokio::runtime::{Builder, Runtime};
use wasmtime_wasi::filesystem::Dir;
use wasmtime_wasi::{FsPerms, OpenMode};

use crate::imports::files::stat::is_local;

/// Time for which calls reuse an open folder. A replacement of the folder is noticed after this time.
const OPENED_FOR: Duration = Duration::from_secs(1);

/// Maximum number of abandoned operations per thread. At the limit, operations are rejected until some have ended, so
/// that nothing queues up behind a hanging file system.
const ABANDONED_PER_THREAD: usize = 4;

/// The folder of one plugin.
pub(crate) struct Folder {
    path: PathBuf,
    opened: Mutex<Option<(Instant, Opened)>>,
    pool: Arc<FilePool>,
}

/// A folder that was opened.
#[derive(Clone)]
struct Opened {
    dir: Dir,
    is_local: bool,
}

/// An open folder, and the threads that read it.
#[derive(Clone)]
pub(crate) struct OpenFolder {
    pub(crate) dir: Dir,
    /// Whether attributes of its files can be read without waiting for another machine or process.
    pub(crate) is_local: bool,
    pub(crate) pool: Arc<FilePool>,
}

impl OpenFolder {
    /// Checks whether both were opened as the same folder.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.dir.dir, &other.dir.dir)
    }
}

impl Folder {
    /// Creates a folder that is read on the threads of a pool.
    pub(crate) fn new(path: &Path, pool: &Arc<FilePool>) -> Self {
        Self { path: path.to_owned(), opened: Mutex::default(), pool: Arc::clone(pool) }
    }

    /// Opens the folder, or reuses the open one.
    pub(crate) async fn open(&self) -> anyhow::Result<OpenFolder> {
        let known = self.opened.lock().clone();
        let known = match known {
            Some((since, opened)) if since.elapsed() < OPENED_FOR => return Ok(self.on_pool(opened)),
            known => known.map(|(_, opened)| opened),
        };
        let path = self.path.clone();
        let opening = async { tokio::task::spawn_blocking(move || reopen(&path, known)).await };
        let Some(opened) = self.pool.run(opening).await else {
            bail!("file system of the granted folder {} does not respond", self.path.display());
        };
        let opened = opened.context("thread ended while opening the granted folder")?;
        let opened = opened.with_context(|| format!("failed to open the granted folder {}", self.path.display()))?;
        *self.opened.lock() = Some((Instant::now(), opened.clone()));
        Ok(self.on_pool(opened))
    }

    fn on_pool(&self, Opened { dir, is_local }: Opened) -> OpenFolder {
        OpenFolder { dir, is_local, pool: Arc::clone(&self.pool) }
    }
}

/// Opens the folder. Returns the known one unless it was replaced.
fn reopen(path: &Path, known: Option<Opened>) -> std::io::Result<Opened> {
    let opened = open(path)?;
    if let Some(known) = known {
        let (before, after) = (rustix::fs::fstat(&known.dir.dir)?, rustix::fs::fstat(&opened)?);
        if (before.st_dev, before.st_ino) == (after.st_dev, after.st_ino) {
            return Ok(known);
        }
    }
    let is_local = is_local(&rustix::fs::fstatfs(&opened)?);
    Ok(Opened { dir: Dir::new(opened, FsPerms::ReadOnly, OpenMode::READ, false), is_local })
}

fn open(path: &Path) -> std::io::Result<File> {
    let flags = OFlags::DIRECTORY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    File::options().read(true).custom_flags(flags.bits().cast_signed()).open(path)
}

/// The pool of each plugin. All versions of a plugin share a pool, so that reloads do not add threads behind a hanging
/// file system.
pub(crate) struct FilePools {
    threads: usize,
    all: Mutex<HashMap<Arc<str>, Arc<FilePool>>>,
}

impl FilePools {
    /// Creates pools with at most `threads` threads each.
    pub(crate) fn new(threads: usize) -> Self {
        Self { threads, all: Mutex::default() }
    }

    /// Returns the pool of one plugin.
    pub(crate) fn of(&self, plugin: &Arc<str>) -> std::io::Result<Arc<FilePool>> {
        let mut all = self.all.lock();
        if let Some(pool) = all.get(plugin) {
            return Ok(Arc::clone(pool));
        }
        let pool = Arc::new(FilePool::new(self.threads)?);
        all.insert(Arc::clone(plugin), Arc::clone(&pool));
        Ok(pool)
    }
}

/// Threads for file operations of one plugin, started on demand.
pub(crate) struct FilePool {
    /// Provides the threads for blocking work; no future is polled on this runtime.
    runtime: Option<Runtime>,
    threads: usize,
    abandoned: Arc<AtomicUsize>,
}

impl FilePool {
    /// Creates a pool with at most `threads` threads.
    pub(crate) fn new(threads: usize) -> std::io::Result<Self> {
        let runtime = Builder::new_current_thread().max_blocking_threads(threads).thread_name("files").build()?;
        Ok(Self { runtime: Some(runtime), threads, abandoned: Arc::default() })
    }

    /// Polls a future so that its blocking work runs on these threads. Returns `None` if too many abandoned operations
    /// still run.
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

    /// Checks whether too many abandoned operations still run.
    pub(crate) fn hangs(&self) -> bool {
        self.abandoned.load(Ordering::Relaxed) >= self.threads * ABANDONED_PER_THREAD
    }

    /// Adds one to the number of abandoned operations, and subtracts it once a thread of the pool is free.
    pub(crate) fn abandon(&self) {
        let abandoned = Arc::clone(&self.abandoned);
        abandoned.fetch_add(1, Ordering::Relaxed);
        self.enter(|| {
            tokio::task::spawn_blocking(move || abandoned.fetch_sub(1, Ordering::Relaxed));
        });
    }

    /// Calls a function. Blocking work that the function spawns runs on these threads.
    ///
    /// Never inlined: a plugin's stack moves between threads, and code on it that also suspends could enter on the
    /// thread that it ran on before.
    #[inline(never)]
    pub(crate) fn enter<T>(&self, operation: impl FnOnce() -> T) -> T {
        let _inside = self.runtime.as_ref().map(Runtime::enter);
        operation()
    }
}

/// A running operation. Dropping it before its end leaves a thread blocked for an unknown time.
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
        // Does not wait for a hanging file system.
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
    async fn a_hanging_file_system_blocks_only_the_threads_of_its_own_pool() {
        let pool = FilePool::new(2).expect("a pool");
        let (go, gone) = channel::<()>();
        let gone = Arc::new(Mutex::new(gone));
        // Operations that are abandoned while a thread is free end soon.
        for _ in 0..2 * (ABANDONED_PER_THREAD + 1) {
            let gone = Arc::clone(&gone);
            let hanging = async {
                let hang = move || gone.lock().recv().is_err();
                tokio::task::spawn_blocking(hang).await
            };
            let ended = tokio::time::timeout(Duration::from_millis(1), pool.run(hanging)).await;
            assert!(!matches!(ended, Ok(Some(_))));
        }
        assert!(pool.run(async {}).await.is_none(), "operations are rejected");
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
    fn dropping_a_pool_does_not_wait_for_a_hanging_file_system() {
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
        assert!(Arc::ptr_eq(&first.dir.dir, &second.dir.dir));
        let missing = Folder::new(&folder.path().join("missing"), &granted.pool);
        assert!(missing.open().await.is_err());
    }
}

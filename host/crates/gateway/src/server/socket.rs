//! The operators' Unix socket: a file in a private folder, for the gateway's own user.

use std::convert::Infallible;
use std::fs::{self, Permissions};
use std::future::Future;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use frontgate_system::ownership::Folder;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustix::process::geteuid;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::ACCEPT_PAUSE;

/// Maximum number of open connections; few operators use the socket.
const CONNECTIONS_MAX: usize = 16;
/// Maximum time until the header of a request has arrived.
const HEADER_TIMEOUT: Duration = Duration::from_secs(5);

/// The process at the other end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// User id, as the system reports it.
    pub uid: u32,
}

/// A listening socket. Its file is removed when the socket is dropped.
#[derive(Debug)]
pub struct Socket {
    listener: UnixListener,
    path: PathBuf,
    inode: u64,
}

impl Socket {
    /// Binds a path. Replaces the socket of a stopped gateway, but not one that still accepts connections.
    pub async fn bind(path: &Path) -> anyhow::Result<Self> {
        let context = || format!("failed to listen on admin.socket = {}", path.display());
        check_folder(path).with_context(context)?;
        remove_stale(path, "admin.socket").await.with_context(context)?;
        let listener = UnixListener::bind(path).with_context(context)?;
        fs::set_permissions(path, Permissions::from_mode(0o600)).with_context(context)?;
        let inode = fs::metadata(path).with_context(context)?.ino();
        Ok(Self { listener, path: path.to_owned(), inode })
    }

    /// Serves requests until `stop`.
    pub async fn serve<A, F>(self, answer: A, stop: CancellationToken)
    where
        A: Fn(Request<Incoming>, Peer) -> F + Clone + Send + 'static,
        F: Future<Output = Response<Full<Bytes>>> + Send + 'static,
    {
        let permits = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        loop {
            let accepted = tokio::select! {
                accepted = accept(&self.listener, &permits) => accepted,
                () = stop.cancelled() => return,
            };
            let Some((stream, peer, permit)) = accepted else { continue };
            let answer = answer.clone();
            let service = service_fn(move |request| {
                let response = answer(request, peer);
                async move { Ok::<_, Infallible>(response.await) }
            });
            let mut http = http1::Builder::new();
            // A command is executed even if its sender disconnects.
            http.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT).half_close(true);
            let connection = http.serve_connection(TokioIo::new(stream), service);
            tokio::spawn(async move {
                if let Err(error) = connection.await {
                    debug!(event = "admin.connection_failed", "operator's connection ended early: {error}");
                }
                drop(permit);
            });
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // Another gateway may have replaced the file.
        if fs::metadata(&self.path).is_ok_and(|found| found.ino() == self.inode) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

async fn accept(
    listener: &UnixListener,
    permits: &Arc<Semaphore>,
) -> Option<(UnixStream, Peer, tokio::sync::OwnedSemaphorePermit)> {
    let permit = Arc::clone(permits).acquire_owned().await.ok()?;
    let stream = match listener.accept().await {
        Ok((stream, _)) => stream,
        Err(error) => {
            warn!(event = "admin.accept_failed", "failed to accept an admin connection: {error}");
            sleep(ACCEPT_PAUSE).await;
            return None;
        }
    };
    // Before its permissions were set, other users may have been able to open the socket.
    let peer = stream.peer_cred().ok()?.uid();
    if peer != geteuid().as_raw() && peer != 0 {
        warn!(
            event = "admin.user_refused",
            peer, "admin command of uid {peer} rejected: only the gateway's user and root may send commands"
        );
        return None;
    }
    Some((stream, Peer { uid: peer }, permit))
}

/// Checks that only the gateway's user can replace the socket.
fn check_folder(path: &Path) -> anyhow::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Folder::private(folder)?;
    Ok(())
}

/// Removes the socket of a stopped gateway. `key` is the setting that names the path.
pub(super) async fn remove_stale(path: &Path, key: &str) -> anyhow::Result<()> {
    let found = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        found => found?,
    };
    if !found.file_type().is_socket() {
        bail!("file exists and is not a socket; remove the file or set another {key}");
    }
    if UnixStream::connect(path).await.is_ok() {
        bail!("in use by a running gateway; stop that gateway or set another {key}");
    }
    Ok(fs::remove_file(path)?)
}

//! The operators' socket: a file in a folder of the gateway's own, for this user alone.

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

/// Open connections; there are few operators.
const CONNECTIONS_MAX: usize = 16;
/// From the first wait for a request to the end of its header.
const HEADER_TIMEOUT: Duration = Duration::from_secs(5);

/// A listening socket that is gone from the file system when this is dropped.
#[derive(Debug)]
pub struct Socket {
    listener: UnixListener,
    path: PathBuf,
    inode: u64,
}

impl Socket {
    /// Binds a path. A socket that a gateway left behind is taken over; one that answers is not.
    pub async fn bind(path: &Path) -> anyhow::Result<Self> {
        let context = || format!("listening on admin.socket = {}", path.display());
        own_folder(path).with_context(context)?;
        take_over(path).await.with_context(context)?;
        let listener = UnixListener::bind(path).with_context(context)?;
        fs::set_permissions(path, Permissions::from_mode(0o600)).with_context(context)?;
        let inode = fs::metadata(path).with_context(context)?.ino();
        Ok(Self { listener, path: path.to_owned(), inode })
    }

    /// Serves until `stop`.
    pub async fn serve<A, F>(self, answer: A, stop: CancellationToken)
    where
        A: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
        F: Future<Output = Response<Full<Bytes>>> + Send + 'static,
    {
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        loop {
            let accepted = tokio::select! {
                accepted = accept(&self.listener, &places) => accepted,
                () = stop.cancelled() => return,
            };
            let Some((stream, place)) = accepted else { continue };
            let answer = answer.clone();
            let service = service_fn(move |request| {
                let response = answer(request);
                async move { Ok::<_, Infallible>(response.await) }
            });
            let mut http = http1::Builder::new();
            // A command that was sent is obeyed, even if its sender has left.
            http.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT).half_close(true);
            let connection = http.serve_connection(TokioIo::new(stream), service);
            tokio::spawn(async move {
                if let Err(error) = connection.await {
                    debug!("an operator's connection ended early: {error}");
                }
                drop(place);
            });
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // Another gateway may have its own there by now.
        if fs::metadata(&self.path).is_ok_and(|found| found.ino() == self.inode) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

async fn accept(
    listener: &UnixListener,
    places: &Arc<Semaphore>,
) -> Option<(UnixStream, tokio::sync::OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    let stream = match listener.accept().await {
        Ok((stream, _)) => stream,
        Err(error) => {
            warn!("an operator's connection could not be accepted: {error}");
            sleep(ACCEPT_PAUSE).await;
            return None;
        }
    };
    // For a moment after it was bound, the socket may have been open to others.
    let peer = stream.peer_cred().ok()?.uid();
    if peer != geteuid().as_raw() && peer != 0 {
        warn!("a command from user {peer} was refused: it is not the gateway's own user");
        return None;
    }
    Some((stream, place))
}

/// The folder of the socket: who can write to it can put another socket there.
fn own_folder(path: &Path) -> anyhow::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Folder::private(folder)?;
    Ok(())
}

async fn take_over(path: &Path) -> anyhow::Result<()> {
    let found = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        found => found?,
    };
    if !found.file_type().is_socket() {
        bail!("there is a file already that is no socket");
    }
    if UnixStream::connect(path).await.is_ok() {
        bail!("another gateway answers there");
    }
    Ok(fs::remove_file(path)?)
}

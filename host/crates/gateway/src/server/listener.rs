//! A listening socket: TCP, Unix, or passed by systemd.

use std::fs::{self, Permissions};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use frontgate_system::sockets;
use rustix::net::sockopt::set_tcp_user_timeout;
use rustix::net::{AddressFamily, getsockname};
use tokio::net::{TcpListener, TcpSocket, UnixListener};

use super::socket::remove_stale;
use super::transport::Socket;
use crate::settings::Listen;

/// Maximum number of connections that wait to be accepted. Thousands of callers may connect at once. If the backlog is
/// full, a caller retries after a second, which is too late for a callback. Linux has the same default.
pub(super) const BACKLOG_MAX: u32 = 4096;

/// A listening socket.
pub(super) enum Listener {
    Tcp(TcpListener),
    Unix {
        listener: UnixListener,
        /// The file to remove at the end; `None` if systemd owns the file.
        _file: Option<SocketFile>,
    },
}

/// The file of a Unix socket, removed on drop unless another gateway has replaced it.
pub(super) struct SocketFile {
    path: PathBuf,
    inode: u64,
}

impl Listener {
    /// Binds an address.
    pub(super) fn address(address: SocketAddr) -> io::Result<Self> {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        // Connections of the previous process may still exist after a restart.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        Ok(Self::Tcp(socket.listen(BACKLOG_MAX)?))
    }

    /// Binds a configured place, or takes over the socket that systemd passes.
    pub(super) async fn bind(listen: &Listen) -> anyhow::Result<Self> {
        match listen {
            Listen::Address(address) => Ok(Self::address(*address)?),
            Listen::Unix(path) => {
                remove_stale(path, "server.listen").await?;
                let listener = UnixListener::bind(path)?;
                // As with an address of this machine, every process may connect: requests are signed.
                fs::set_permissions(path, Permissions::from_mode(0o666))?;
                let inode = fs::metadata(path)?.ino();
                Ok(Self::Unix { listener, _file: Some(SocketFile { path: path.clone(), inode }) })
            }
            Listen::Systemd(name) => Self::passed(name.as_deref()),
        }
    }

    fn passed(name: Option<&str>) -> anyhow::Result<Self> {
        let socket = sockets::passed(name)?;
        let family = getsockname(&socket).context("failed to read the address of the socket")?.address_family();
        match family {
            AddressFamily::INET | AddressFamily::INET6 => {
                let listener = std::net::TcpListener::from(socket);
                listener.set_nonblocking(true)?;
                Ok(Self::Tcp(TcpListener::from_std(listener)?))
            }
            AddressFamily::UNIX => {
                let listener = std::os::unix::net::UnixListener::from(socket);
                listener.set_nonblocking(true)?;
                Ok(Self::Unix { listener: UnixListener::from_std(listener)?, _file: None })
            }
            _ => bail!("the socket that systemd passes is neither TCP nor Unix; set ListenStream= in its unit"),
        }
    }

    /// Returns the bound address; `None` for a Unix socket.
    pub(super) fn local_address(&self) -> io::Result<Option<SocketAddr>> {
        match self {
            Self::Tcp(listener) => listener.local_addr().map(Some),
            Self::Unix { .. } => Ok(None),
        }
    }

    /// Returns the path of a Unix socket.
    pub(super) fn path(&self) -> Option<PathBuf> {
        match self {
            Self::Tcp(_) => None,
            Self::Unix { listener, .. } => Some(listener.local_addr().ok()?.as_pathname()?.to_owned()),
        }
    }

    /// Accepts the next connection. Returns it with the address of the peer; `None` for a Unix socket.
    pub(super) async fn accept(&self, write_timeout_ms: u32) -> io::Result<(Socket, Option<IpAddr>)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                // Responses are written as a whole, so Nagle's algorithm would only delay them.
                let _ = stream.set_nodelay(true);
                // If the caller does not read, the system closes the connection.
                let _ = set_tcp_user_timeout(&stream, write_timeout_ms);
                Ok((Socket::Tcp(stream), Some(peer.ip())))
            }
            Self::Unix { listener, .. } => {
                let (stream, _) = listener.accept().await?;
                Ok((Socket::Unix(stream), None))
            }
        }
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if fs::metadata(&self.path).is_ok_and(|found| found.ino() == self.inode) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

//! The byte stream of a connection: a socket, with or without TLS.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use rustix::net::{RecvFlags, recv};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, DuplexStream, Interest, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;

use super::linger;

/// Maximum time to write the end of a TLS session.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// A connected socket.
pub(super) enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// A connection as HTTP sees it.
pub(super) enum Transport {
    Plain(Socket),
    Tls(Box<TlsStream<Socket>>),
    /// A connection from this process, such as that of a question in the console.
    Local(DuplexStream),
}

/// Calls a method of the stream inside.
macro_rules! inside {
    ($value:expr, $($variant:path)|+, $stream:ident => $call:expr) => {
        match $value { $($variant($stream) => $call,)+ }
    };
}

impl Socket {
    /// Waits until bytes or the end of the stream can be read.
    pub(super) async fn readable(&self) -> io::Result<()> {
        inside!(self, Self::Tcp | Self::Unix, stream => stream.readable().await)
    }

    /// Reads available bytes.
    pub(super) fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        inside!(self, Self::Tcp | Self::Unix, stream => stream.try_read(buffer))
    }

    /// Reads available bytes, which stay in the socket.
    pub(super) fn try_peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        inside!(self, Self::Tcp | Self::Unix, stream => stream.try_io(Interest::READABLE, || {
            Ok(recv(stream, buffer, RecvFlags::PEEK).map(|(read, _)| read)?)
        }))
    }
}

impl Transport {
    /// Ends the connection. If the caller may still be sending, reads for a while, so that it receives the response.
    pub(super) async fn close(self, body_unread: bool) {
        let socket = match self {
            Self::Plain(socket) => socket,
            Self::Tls(mut stream) => {
                // Errors are ignored, because the connection is closed in any case.
                let _ = timeout(CLOSE_TIMEOUT, stream.shutdown()).await;
                stream.into_inner().0
            }
            Self::Local(_) => return,
        };
        if body_unread {
            linger::close(socket).await;
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        inside!(self.get_mut(), Self::Tcp | Self::Unix, stream => Pin::new(stream).poll_read(context, buffer))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        inside!(self.get_mut(), Self::Tcp | Self::Unix, stream => Pin::new(stream).poll_write(context, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        inside!(self.get_mut(), Self::Tcp | Self::Unix, stream => Pin::new(stream).poll_write_vectored(context, slices))
    }

    fn is_write_vectored(&self) -> bool {
        inside!(self, Self::Tcp | Self::Unix, stream => stream.is_write_vectored())
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        inside!(self.get_mut(), Self::Tcp | Self::Unix, stream => Pin::new(stream).poll_flush(context))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        inside!(self.get_mut(), Self::Tcp | Self::Unix, stream => Pin::new(stream).poll_shutdown(context))
    }
}

impl AsyncRead for Transport {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        inside!(self.get_mut(), Self::Plain | Self::Tls | Self::Local, stream => {
            Pin::new(stream).poll_read(context, buffer)
        })
    }
}

impl AsyncWrite for Transport {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        inside!(self.get_mut(), Self::Plain | Self::Tls | Self::Local, stream => {
            Pin::new(stream).poll_write(context, bytes)
        })
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        inside!(self.get_mut(), Self::Plain | Self::Tls | Self::Local, stream => {
            Pin::new(stream).poll_write_vectored(context, slices)
        })
    }

    fn is_write_vectored(&self) -> bool {
        inside!(self, Self::Plain | Self::Tls | Self::Local, stream => stream.is_write_vectored())
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        inside!(self.get_mut(), Self::Plain | Self::Tls | Self::Local, stream => Pin::new(stream).poll_flush(context))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        inside!(self.get_mut(), Self::Plain | Self::Tls | Self::Local, stream => Pin::new(stream).poll_shutdown(context))
    }
}

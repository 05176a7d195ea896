//! A keep-alive connection that sends a request and reads the complete answer.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Maximum number of headers; no measured server sends more.
const HEADERS_MAX: usize = 32;

/// An open connection.
pub(crate) struct Connection {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Connection {
    /// Opens a connection.
    pub(crate) async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, read: Vec::with_capacity(16 * 1024) })
    }

    /// Sends a request, and returns whether the answer is a 200 with this body.
    pub(crate) async fn ask(&mut self, request: &[u8], expected: &[u8]) -> io::Result<bool> {
        let (status, body) = self.exchange(request).await?;
        Ok(status == 200 && body == expected)
    }

    /// Sends a request, and returns status and body of the answer.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> io::Result<(u16, &[u8])> {
        self.stream.write_all(request).await?;
        self.read.clear();
        loop {
            if self.stream.read_buf(&mut self.read).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let Some((status, start, length)) = head(&self.read)? else { continue };
            if self.read.len() >= start + length {
                return Ok((status, &self.read[start..start + length]));
            }
        }
    }
}

/// Parses status, start and length of the body. Returns `None` while the head is incomplete.
fn head(bytes: &[u8]) -> io::Result<Option<(u16, usize, usize)>> {
    let invalid = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(start) = response.parse(bytes).map_err(|error| invalid(&error.to_string()))? else {
        return Ok(None);
    };
    let length = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
    let length = length.and_then(|header| std::str::from_utf8(header.value).ok()?.parse().ok());
    let length = length.ok_or_else(|| invalid("an answer without a length"))?;
    Ok(Some((response.code.unwrap_or_default(), start, length)))
}

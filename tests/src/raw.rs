//! Opens raw connections, for requests that no client library sends.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::{LIST, PUBLIC_URL, TOKEN, platform};

/// The time limit for an answer; a test that waits this long fails.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A connection that stays open until the listener closes it.
pub struct Raw {
    stream: TcpStream,
    /// Bytes received but not parsed yet.
    rest: Vec<u8>,
}

/// An HTTP response.
#[derive(Debug, PartialEq, Eq)]
pub struct RawAnswer {
    /// The status.
    pub status: u16,
    /// The header in lower case, line by line.
    pub head: String,
    /// The body.
    pub body: String,
}

impl RawAnswer {
    /// Returns whether the response announces that the connection will be closed.
    pub fn closes(&self) -> bool {
        self.head.contains("connection: close")
    }
}

impl Raw {
    /// Connects to a listener.
    pub fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("a connection");
        stream.set_read_timeout(Some(TIMEOUT)).expect("a timeout");
        Self { stream, rest: Vec::new() }
    }

    /// Sends bytes. The listener may answer and close the connection before it has read all of them.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        let _ = self.stream.write_all(bytes.as_ref());
        self
    }

    /// Reads the next response. Returns `None` if the connection is closed first.
    pub fn answer(&mut self) -> Option<RawAnswer> {
        let end = loop {
            match self.rest.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                Some(end) => break end + 4,
                None => self.read()?,
            }
        };
        let head = String::from_utf8_lossy(&self.rest[..end]).to_lowercase();
        self.rest.drain(..end);
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.map_or(0, |length| length.parse().expect("a number"));
        while self.rest.len() < length {
            self.read()?;
        }
        let body: Vec<u8> = self.rest.drain(..length).collect();
        let status = head.get(9..12).and_then(|status| status.parse().ok()).expect("a status");
        Some(RawAnswer { status, head, body: String::from_utf8_lossy(&body).into_owned() })
    }

    /// Waits until the connection is closed, and returns whether no data was received before.
    pub fn is_closed(&mut self) -> bool {
        while self.read().is_some() {}
        self.rest.is_empty()
    }

    /// Reads more bytes. Returns `None` at the end of the connection or after a reset.
    fn read(&mut self) -> Option<()> {
        let mut piece = [0; 4096];
        match self.stream.read(&mut piece) {
            Ok(0) => None,
            Ok(read) => {
                self.rest.extend_from_slice(&piece[..read]);
                Some(())
            }
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => panic!("nothing received for {TIMEOUT:?}"),
            Err(_) => None,
        }
    }
}

/// Returns a signed CRM callback with additional header lines.
pub fn signed_callback(more: &str) -> String {
    let signature = platform::sign(TOKEN, &format!("{PUBLIC_URL}/callbacks/crm"), &LIST);
    callback(&format!("x-twilio-signature: {signature}\r\n{more}"))
}

/// Returns a CRM callback with these lines in its header.
pub fn callback(lines: &str) -> String {
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(LIST).finish();
    format!(
        "POST /callbacks/crm HTTP/1.1\r\nhost: gw.example.org\r\ncontent-type: application/x-www-form-urlencoded\r\n\
         content-length: {}\r\n{lines}\r\n{body}",
        body.len()
    )
}

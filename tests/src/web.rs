//! A web server on loopback that selects its answers by path and records its requests.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

/// The delay between two bytes of `/drip`.
const DRIP: Duration = Duration::from_millis(20);

/// A running server, stopped on drop.
pub struct Web {
    address: SocketAddr,
    shared: Arc<Shared>,
}

/// A function from the head of a request to the bytes of the answer; `None` selects the usual answer.
type Script = dyn Fn(&str) -> Option<Vec<u8>> + Send + Sync;

#[derive(Default)]
struct Shared {
    script: Option<Box<Script>>,
    requests: Mutex<Vec<String>>,
    connections: AtomicUsize,
    has_ended: Mutex<bool>,
    ended: Condvar,
}

impl Web {
    /// Starts a server. Its paths are `/`, `/redirect`, `/hang`, `/drip`, `/cut`, `/half`, `/close`, `/large/BYTES`,
    /// `/announced/BYTES`, `/header/BYTES`, and `/connection`, which returns the number of connections so far.
    pub fn start() -> Self {
        Self::with(Shared::default())
    }

    /// Starts a server with the paths of [`Web::start`] whose script may replace the answer to a request. An answer of
    /// HTTP/1.0 closes the connection.
    pub fn scripted(script: impl Fn(&str) -> Option<Vec<u8>> + Send + Sync + 'static) -> Self {
        Self::with(Shared { script: Some(Box::new(script)), ..Shared::default() })
    }

    fn with(shared: Shared) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(shared);
        let serving = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if serving.has_ended() {
                    return;
                }
                let number = serving.connections.fetch_add(1, Ordering::SeqCst) + 1;
                let shared = Arc::clone(&serving);
                thread::spawn(move || serve(&stream, &shared, number));
            }
        });
        Self { address, shared }
    }

    /// Returns the address of the server.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the port of the server.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Returns every request so far: the head, and the number of body bytes.
    pub fn requests(&self) -> Vec<String> {
        self.shared.requests.lock().clone()
    }

    /// Returns the number of connections so far.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        *self.shared.has_ended.lock() = true;
        self.shared.ended.notify_all();
        // Wakes the thread that accepts connections.
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    fn has_ended(&self) -> bool {
        *self.has_ended.lock()
    }

    /// Waits until the server is stopped or the pause has passed, and returns whether the server is stopped.
    fn wait(&self, pause: Option<Duration>) -> bool {
        let mut ended = self.has_ended.lock();
        match pause {
            Some(pause) => drop(self.ended.wait_while_for(&mut ended, |ended| !*ended, pause)),
            None => self.ended.wait_while(&mut ended, |ended| !*ended),
        }
        *ended
    }
}

fn serve(stream: &TcpStream, shared: &Shared, number: usize) -> Option<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let head = head(&mut reader)?;
        let bytes = body(&mut reader, &head).ok()?;
        shared.requests.lock().push(format!("{head}body: {bytes}\n"));
        if let Some(answer) = shared.script.as_ref().and_then(|script| script(&head)) {
            let mut stream = stream;
            stream.write_all(&answer).ok()?;
            if answer.starts_with(b"HTTP/1.0") {
                return None;
            }
            continue;
        }
        let path = head.split(' ').nth(1)?;
        answer(stream, path, shared, number).ok()?;
    }
}

/// Reads the head of a request, up to the empty line.
fn head(reader: &mut BufReader<&TcpStream>) -> Option<String> {
    let mut head = String::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line.trim().is_empty() {
            return Some(head);
        }
        head += line.trim_end();
        head.push('\n');
    }
}

/// Reads a body, and returns its length.
fn body(reader: &mut BufReader<&TcpStream>, head: &str) -> io::Result<usize> {
    let lower = head.to_lowercase();
    if let Some(length) = lower.lines().find_map(|line| line.strip_prefix("content-length: ")) {
        let length: u64 = length.parse().map_err(io::Error::other)?;
        let read = io::copy(&mut reader.take(length), &mut io::sink())?;
        return usize::try_from(read).map_err(io::Error::other);
    }
    let mut all = 0;
    while lower.contains("transfer-encoding: chunked") {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let size = usize::from_str_radix(line.trim(), 16).map_err(io::Error::other)?;
        let mut chunk = vec![0; size + 2];
        reader.read_exact(&mut chunk)?;
        if size == 0 {
            break;
        }
        all += size;
    }
    Ok(all)
}

fn answer(mut stream: &TcpStream, path: &str, shared: &Shared, number: usize) -> io::Result<()> {
    let ended = Err(io::Error::other("the connection ends"));
    let (what, how) = path[1..].split_once('/').unwrap_or((&path[1..], ""));
    let bytes: usize = how.parse().unwrap_or_default();
    match what {
        "redirect" => write!(stream, "HTTP/1.1 302 Found\r\nlocation: http://10.1.2.3/\r\ncontent-length: 0\r\n\r\n"),
        "hang" => {
            shared.wait(None);
            ended
        }
        "drip" => {
            write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")?;
            while !shared.wait(Some(DRIP)) {
                stream.write_all(b".")?;
            }
            ended
        }
        "cut" => ended,
        "half" => {
            write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")?;
            ended
        }
        "close" => {
            write!(stream, "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 6\r\n\r\nclosed")?;
            ended
        }
        "large" => {
            write!(stream, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")?;
            for _ in 0..bytes.div_ceil(1000) {
                write!(stream, "3e8\r\n{}\r\n", "x".repeat(1000))?;
            }
            write!(stream, "0\r\n\r\n")
        }
        "announced" => write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {bytes}\r\n\r\n"),
        "header" => {
            write!(stream, "HTTP/1.1 200 OK\r\nx-large: {}\r\ncontent-length: 0\r\n\r\n", "x".repeat(bytes))
        }
        "connection" => {
            let text = format!("connection {number}");
            write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{text}", text.len())
        }
        _ => write!(stream, "HTTP/1.1 200 OK\r\nx-kind: plain\r\ncontent-length: 5\r\n\r\nhello"),
    }
}

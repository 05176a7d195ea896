//! A proxy between gateways and Postgres that fails on demand.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use parking_lot::Mutex;

/// What the proxy does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Forwards everything.
    Pass,
    /// Accepts connections, and forwards nothing.
    BlackHole,
    /// Closes all connections, and refuses new ones.
    Refuse,
    /// Holds back requests with this text, which a connection has in the first use of a statement.
    Hold(&'static str),
    /// Forwards the next commits, and closes their connections before the answers. The number counts down.
    CutAfterCommit(usize),
    /// Forwards every commit, and closes the connection before the answer of each nth.
    CutEvery(usize),
}

/// A running proxy. Its threads end with the test program.
pub struct DatabaseProxy {
    address: SocketAddr,
    inner: Arc<Inner>,
}

struct Inner {
    mode: Mutex<Mode>,
    cut: AtomicUsize,
    commits: AtomicUsize,
    held: AtomicUsize,
    connections: Mutex<Vec<TcpStream>>,
}

impl DatabaseProxy {
    /// Starts a proxy in front of a server on loopback.
    pub fn start(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let inner = Arc::new(Inner {
            mode: Mutex::new(Mode::Pass),
            cut: AtomicUsize::new(0),
            commits: AtomicUsize::new(0),
            held: AtomicUsize::new(0),
            connections: Mutex::default(),
        });
        let accepting = Arc::clone(&inner);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(("127.0.0.1", port)) else { continue };
                if *accepting.mode.lock() == Mode::Refuse {
                    continue;
                }
                accepting.forward(client, server);
            }
        });
        Self { address, inner }
    }

    /// Returns the URL of a database through this proxy.
    pub fn url(&self, url: &str) -> String {
        let (before, rest) = url.split_once('@').expect("a user");
        let (_, database) = rest.split_once('/').expect("a database");
        format!("{before}@{}/{database}", self.address)
    }

    /// Changes what the proxy does. All modes but `Pass` and `CutAfterCommit` also affect open connections.
    pub fn set(&self, mode: Mode) {
        *self.inner.mode.lock() = mode;
        if mode == Mode::Refuse {
            for connection in self.inner.connections.lock().drain(..) {
                let _ = connection.shutdown(Shutdown::Both);
            }
        }
    }

    /// Returns the number of requests that were held back.
    pub fn held(&self) -> usize {
        self.inner.held.load(Ordering::Relaxed)
    }

    /// Returns the number of commits whose answers were lost.
    pub fn cut(&self) -> usize {
        self.inner.cut.load(Ordering::Relaxed)
    }
}

impl Inner {
    fn forward(self: &Arc<Self>, client: TcpStream, server: TcpStream) {
        let copy = |stream: &TcpStream| stream.try_clone().expect("a descriptor");
        self.connections.lock().extend([copy(&client), copy(&server)]);
        let is_cut = Arc::new(Mutex::new(false));
        let (inner, cut) = (Arc::clone(self), Arc::clone(&is_cut));
        let (mut from, mut to) = (copy(&client), copy(&server));
        thread::spawn(move || {
            let mut buffer = [0; 64 * 1024];
            while let Ok(read @ 1..) = from.read(&mut buffer) {
                inner.wait_if_black();
                inner.wait_if_held(&buffer[..read]);
                // A commit is a message of its own: `Q`, its length, and the text.
                if buffer[..read].starts_with(b"Q") && buffer[..read].windows(6).any(|text| text == b"COMMIT") {
                    *cut.lock() = inner.takes_cut();
                }
                if to.write_all(&buffer[..read]).is_err() {
                    break;
                }
            }
            let _ = to.shutdown(Shutdown::Both);
            let _ = from.shutdown(Shutdown::Both);
        });
        let inner = Arc::clone(self);
        let (mut from, mut to) = (server, client);
        thread::spawn(move || {
            let mut buffer = [0; 64 * 1024];
            while let Ok(read @ 1..) = from.read(&mut buffer) {
                inner.wait_if_black();
                if *is_cut.lock() {
                    inner.cut.fetch_add(1, Ordering::Relaxed);
                    break;
                }
                if to.write_all(&buffer[..read]).is_err() {
                    break;
                }
            }
            let _ = to.shutdown(Shutdown::Both);
            let _ = from.shutdown(Shutdown::Both);
        });
    }

    /// Holds data back until the mode changes.
    fn wait_if_black(&self) {
        while *self.mode.lock() == Mode::BlackHole {
            thread::park_timeout(Duration::from_millis(20));
        }
    }

    /// Holds a request back until the mode changes, if the mode says so.
    fn wait_if_held(&self, request: &[u8]) {
        let is_held = || match *self.mode.lock() {
            Mode::Hold(text) => request.windows(text.len()).any(|part| part == text.as_bytes()),
            _ => false,
        };
        if !is_held() {
            return;
        }
        self.held.fetch_add(1, Ordering::Relaxed);
        while is_held() {
            thread::park_timeout(Duration::from_millis(20));
        }
    }

    /// Returns whether the answer to this commit is lost.
    fn takes_cut(&self) -> bool {
        let mut mode = self.mode.lock();
        if let Mode::CutEvery(count) = *mode {
            return self.commits.fetch_add(1, Ordering::Relaxed) % count == count - 1;
        }
        let Mode::CutAfterCommit(left) = *mode else { return false };
        *mode = if left > 1 { Mode::CutAfterCommit(left - 1) } else { Mode::Pass };
        true
    }
}

//! A reserved port: open, or closed to simulate a platform that is down.

use std::io;
use std::net::SocketAddr;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};

use crate::common::reply::{Body, Cut};

const BACKLOG: u32 = 1024;
/// The maximum number of connections that wait to be accepted.
const CONNECTIONS_MAX: usize = 4096;

/// A TCP port that stays reserved while it is closed.
pub struct Port {
    address: SocketAddr,
    /// A bound socket that never listens: keeps the port reserved while the listener is closed.
    _guard: TcpSocket,
    listening: Mutex<Listening>,
}

enum Listening {
    Up { stop: oneshot::Sender<()>, server: JoinHandle<()> },
    Down,
}

impl Port {
    /// Reserves a port. Port 0 selects any free port.
    ///
    /// # Errors
    ///
    /// Returns an error with the address if another process has the port.
    pub fn reserve(address: SocketAddr) -> io::Result<Self> {
        let named = |error: io::Error| io::Error::new(error.kind(), format!("cannot listen on {address}: {error}"));
        let socket = bind(address).map_err(named)?;
        let address = socket.local_addr().map_err(named)?;
        Ok(Self { address, _guard: socket, listening: Mutex::new(Listening::Down) })
    }

    /// Returns the address, with the port that the system chose for port 0.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Closes the port: drops all connections and refuses new ones.
    ///
    /// # Panics
    ///
    /// Panics if the port is closed already.
    pub fn close(&self, runtime: &Runtime) {
        let mut listening = self.listening.lock();
        let Listening::Up { stop, server } = std::mem::replace(&mut *listening, Listening::Down) else {
            panic!("the port is closed already")
        };
        let _ = stop.send(());
        runtime.block_on(server).expect("the server does not panic");
    }

    /// Opens the port and answers requests with `respond`, which also gets the number of the connection: 1 for the
    /// first one since this call.
    ///
    /// # Panics
    ///
    /// Panics if the port is open already.
    pub fn open<S, F>(&self, runtime: &Runtime, respond: S)
    where
        S: Fn(u64, Request<Incoming>) -> F + Clone + Send + 'static,
        F: Future<Output = Result<Response<Body>, Cut>> + Send + 'static,
    {
        let mut listening = self.listening.lock();
        assert!(matches!(*listening, Listening::Down), "the port is open already");
        let _inside = runtime.enter();
        let listener = bind(self.address).and_then(|socket| socket.listen(BACKLOG)).expect("the port is ours");
        let (stop, stopped) = oneshot::channel();
        let server = tokio::spawn(serve(listener, stopped, respond));
        *listening = Listening::Up { stop, server };
    }
}

/// Binds a socket, which reserves the port. Connections are refused until the socket listens.
fn bind(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

/// Serves requests until `stop` fires, then drops all connections at once.
async fn serve<S, F>(listener: TcpListener, mut stop: oneshot::Receiver<()>, respond: S)
where
    S: Fn(u64, Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Result<Response<Body>, Cut>> + Send + 'static,
{
    let mut connections = JoinSet::new();
    let mut number = 0;
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept(), if connections.len() < CONNECTIONS_MAX => accepted,
            Some(_) = connections.join_next() => continue,
            _ = &mut stop => break,
        };
        let Ok((stream, _)) = accepted else { continue };
        let _ = stream.set_nodelay(true);
        number += 1;
        let (respond, connection) = (respond.clone(), number);
        let service = service_fn(move |request| respond(connection, request));
        connections.spawn(async move {
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
    drop(listener);
    connections.shutdown().await;
}

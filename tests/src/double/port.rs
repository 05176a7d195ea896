//! A port that nobody else gets: listened on or, while the platform is down, refusing connections.

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

use crate::double::reply::{Body, Cut};

const BACKLOG: u32 = 1024;
/// Further ones wait to be accepted.
const CONNECTIONS_MAX: usize = 4096;

pub(crate) struct Port {
    address: SocketAddr,
    /// Never listens: nobody else gets the port, not even while a listener is closed.
    _guard: TcpSocket,
    listening: Mutex<Listening>,
}

enum Listening {
    Up { stop: oneshot::Sender<()>, server: JoinHandle<()> },
    Down,
}

impl Port {
    /// Holds a port. Panics if it is taken.
    pub(crate) fn hold(address: SocketAddr) -> Self {
        let socket = bind(address).unwrap_or_else(|error| panic!("{address}: {error}"));
        let address = socket.local_addr().expect("it was bound");
        Self { address, _guard: socket, listening: Mutex::new(Listening::Down) }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Refuses connections from now on, and cuts those that there are.
    pub(crate) fn close(&self, runtime: &Runtime) {
        let mut listening = self.listening.lock();
        let Listening::Up { stop, server } = std::mem::replace(&mut *listening, Listening::Down) else {
            panic!("it is down already")
        };
        let _ = stop.send(());
        runtime.block_on(server).expect("the server ends well");
    }

    /// Listens; requests come with the number of their connection, counted from here on.
    pub(crate) fn open<S, F>(&self, runtime: &Runtime, respond: S)
    where
        S: Fn(u64, Request<Incoming>) -> F + Clone + Send + 'static,
        F: Future<Output = Result<Response<Body>, Cut>> + Send + 'static,
    {
        let mut listening = self.listening.lock();
        assert!(matches!(*listening, Listening::Down), "it is up already");
        let _inside = runtime.enter();
        let listener = bind(self.address).and_then(|socket| socket.listen(BACKLOG)).expect("the port is ours");
        let (stop, stopped) = oneshot::channel();
        let server = tokio::spawn(serve(listener, stopped, respond));
        *listening = Listening::Up { stop, server };
    }
}

/// A socket that holds its port: connections to it are refused until it listens.
fn bind(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

/// Serves until `stop`, which also ends all connections at once.
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

//! A load balancer: forwards each connection to the next of several servers that accepts it.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use parking_lot::Mutex;

/// A running load balancer. Its threads end with the test program.
pub struct Balancer {
    address: SocketAddr,
    servers: Arc<Mutex<Vec<SocketAddr>>>,
}

impl Balancer {
    /// Starts a load balancer on loopback.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let servers = Arc::<Mutex<Vec<SocketAddr>>>::default();
        let all = Arc::clone(&servers);
        thread::spawn(move || {
            let next = AtomicUsize::new(0);
            for client in listener.incoming().flatten() {
                let servers = all.lock().clone();
                let first = next.fetch_add(1, Ordering::Relaxed);
                let turns = (0..servers.len()).map(|turn| servers[(first + turn) % servers.len()]);
                // Without a server, the client's connection is closed.
                if let Some(server) = turns.into_iter().find_map(|server| TcpStream::connect(server).ok()) {
                    forward(client, server);
                }
            }
        });
        Self { address, servers }
    }

    /// Returns the address of the listener.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Replaces the servers.
    pub fn set(&self, servers: Vec<SocketAddr>) {
        *self.servers.lock() = servers;
    }
}

fn forward(client: TcpStream, server: TcpStream) {
    let both = |stream: &TcpStream| stream.try_clone().expect("a descriptor");
    for (mut from, mut to) in [(both(&client), both(&server)), (server, client)] {
        thread::spawn(move || {
            // An end of either side ends the connection.
            let _ = io::copy(&mut from, &mut to);
            let _ = to.shutdown(Shutdown::Write);
        });
    }
}

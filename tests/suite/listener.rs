//! A server that responds as a test specifies, and records its requests.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use parking_lot::Mutex;

/// A request as received.
pub(crate) struct Raw {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: String,
    pub(crate) body: Vec<u8>,
}

/// A function that returns the status and body for a request; for `None` the server sends no response.
type Answer<G> = dyn Fn(&G) -> Option<(u16, String)> + Send + Sync;

/// Listens on a free port, and returns the address and the recorded requests.
pub(crate) fn listen<G: Clone + Send + 'static>(
    read: fn(Raw) -> G,
    answer: impl Fn(&G) -> Option<(u16, String)> + Send + Sync + 'static,
) -> (SocketAddr, Arc<Mutex<Vec<G>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let all = Arc::new(Mutex::new(Vec::new()));
    let (got, answer): (_, Arc<Answer<G>>) = (Arc::clone(&all), Arc::new(answer));
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let (got, answer) = (Arc::clone(&got), Arc::clone(&answer));
            thread::spawn(move || take(stream, &got, read, &*answer));
        }
    });
    (address, all)
}

fn take<G: Clone>(mut stream: TcpStream, all: &Mutex<Vec<G>>, read: fn(Raw) -> G, answer: &Answer<G>) {
    let mut reader = BufReader::new(stream.try_clone().expect("a socket"));
    let (mut headers, mut length) = (String::new(), 0);
    while !headers.ends_with("\r\n\r\n") && reader.read_line(&mut headers).is_ok_and(|read| read > 0) {
        let line = headers.lines().last().unwrap_or_default();
        length = line.strip_prefix("content-length: ").and_then(|text| text.parse().ok()).unwrap_or(length);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).expect("a body");
    let mut line = headers.split(' ').map(ToOwned::to_owned);
    let [method, path] = [line.next(), line.next()].map(Option::unwrap_or_default);
    let got = read(Raw { method, path, headers, body });
    all.lock().push(got.clone());
    match answer(&got) {
        Some((status, body)) => {
            let length = body.len();
            let _ = write!(stream, "HTTP/1.1 {status} ok\r\ncontent-length: {length}\r\n\r\n{body}");
        }
        None => drop(reader.read_to_end(&mut Vec::new())),
    }
}

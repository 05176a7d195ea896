//! A nameserver on loopback with scripted answers.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::thread;

use parking_lot::Mutex;

/// The answers for each name, in order. The last answer repeats.
type Script = HashMap<String, VecDeque<Vec<IpAddr>>>;

const A: u16 = 1;
const AAAA: u16 = 28;

/// A running nameserver, which runs until the test process exits.
pub struct Names {
    address: SocketAddr,
    script: Arc<Mutex<Script>>,
}

impl Names {
    /// Starts a nameserver without names. Queries for `silent.test` get no answer.
    pub fn start() -> Self {
        Self::at(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port"))
    }

    /// Starts a nameserver on this socket.
    pub fn at(socket: UdpSocket) -> Self {
        let address = socket.local_addr().expect("an address");
        let script = Arc::<Mutex<Script>>::default();
        let reading = Arc::clone(&script);
        thread::spawn(move || {
            let mut packet = [0; 1500];
            while let Ok((bytes, from)) = socket.recv_from(&mut packet) {
                if let Some(answer) = answer(&packet[..bytes], &reading) {
                    let _ = socket.send_to(&answer, from);
                }
            }
        });
        Self { address, script }
    }

    /// Adds a name with constant addresses.
    pub fn is(self, name: &str, addresses: &[&str]) -> Self {
        self.changes(name, &[addresses])
    }

    /// Adds a name with different addresses for each query.
    pub fn changes(self, name: &str, answers: &[&[&str]]) -> Self {
        let read = |addresses: &&[&str]| addresses.iter().map(|address| address.parse().expect("an address")).collect();
        self.script.lock().insert(name.to_owned(), answers.iter().map(read).collect());
        self
    }

    /// Returns the value for `plugins.nameservers`.
    pub fn setting(&self) -> String {
        format!("[\"{}\"]", self.address)
    }
}

/// Returns the answer to a query, or `None` to send no answer.
fn answer(question: &[u8], script: &Mutex<Script>) -> Option<Vec<u8>> {
    let (name, end) = name(question)?;
    let kind = u16::from_be_bytes([*question.get(end)?, *question.get(end + 1)?]);
    if name == "silent.test" {
        return None;
    }
    let mut script = script.lock();
    let turns = script.get_mut(&name);
    let known = turns.is_some();
    let now = turns.map(|turns| match kind {
        // Clients query both record types, so only queries of type A advance to the next answer.
        A if turns.len() > 1 => turns.pop_front().unwrap_or_default(),
        _ => turns.front().cloned().unwrap_or_default(),
    });
    let now: Vec<IpAddr> = now.unwrap_or_default().into_iter().filter(|ip| ip.is_ipv4() == (kind == A)).collect();
    let now = if kind == A || kind == AAAA { now } else { Vec::new() };
    let status = if known { 0x8180_u16 } else { 0x8183 };
    let mut packet = question[..2].to_vec();
    let count = u16::try_from(now.len()).ok()?;
    for number in [status, 1, count, 0, 0] {
        packet.extend(number.to_be_bytes());
    }
    packet.extend(&question[12..end + 4]);
    for address in now {
        let bytes = match address {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(address) => address.octets().to_vec(),
        };
        // A pointer to the name in the query, the record type, class IN, TTL 0.
        packet.extend([0xc0, 12]);
        packet.extend(kind.to_be_bytes());
        packet.extend([0, 1, 0, 0, 0, 0]);
        packet.extend(u16::try_from(bytes.len()).ok()?.to_be_bytes());
        packet.extend(bytes);
    }
    Some(packet)
}

/// Parses the name in a query, and returns the name and the index after it.
fn name(question: &[u8]) -> Option<(String, usize)> {
    let (mut labels, mut at) = (Vec::new(), 12);
    loop {
        let length = usize::from(*question.get(at)?);
        at += 1;
        if length == 0 {
            return Some((labels.join(".").to_lowercase(), at));
        }
        labels.push(String::from_utf8_lossy(question.get(at..at + length)?).into_owned());
        at += length;
    }
}

//! Reads the PROXY protocol's header, versions 1 and 2, at the start of a connection from a trusted proxy.
//!
//! Exactly the header is read, so that the socket continues with the first byte of the caller.

use std::io;
use std::net::IpAddr;

use proxy_header::{ParseConfig, ProxyHeader};
use tokio::io::AsyncReadExt as _;

use super::transport::Socket;

/// Length of the signature of version 2, and less than the shortest header of version 1.
const START_BYTES: usize = 12;
/// First bytes of version 2.
const SIGNATURE: [u8; START_BYTES] = *b"\r\n\r\n\0\r\nQUIT\n";
/// Length of version 2 without addresses.
const FIXED_BYTES: usize = 16;
/// Maximum length of version 1, from its specification.
const V1_BYTES_MAX: usize = 107;
/// Maximum length of version 2. Proxies add some fields, of which the longest is a host name.
const V2_BYTES_MAX: usize = 4096;

/// Reads the header. Returns the address of the caller; `None` if the proxy itself connects, such as for a health check.
pub(super) async fn read(socket: &mut Socket) -> io::Result<Option<IpAddr>> {
    let mut header = vec![0; START_BYTES];
    socket.read_exact(&mut header).await?;
    match header == SIGNATURE {
        true => rest_of_v2(socket, &mut header).await?,
        false => rest_of_v1(socket, &mut header).await?,
    }
    let config = ParseConfig { include_tlvs: false, allow_v1: true, allow_v2: true };
    let (parsed, _) = ProxyHeader::parse(&header, config).map_err(|_| invalid())?;
    Ok(parsed.proxied_address().map(|address| address.source.ip().to_canonical()))
}

async fn rest_of_v2(socket: &mut Socket, header: &mut Vec<u8>) -> io::Result<()> {
    header.resize(FIXED_BYTES, 0);
    socket.read_exact(&mut header[START_BYTES..]).await?;
    let length = FIXED_BYTES + usize::from(u16::from_be_bytes([header[14], header[15]]));
    if length > V2_BYTES_MAX {
        return Err(invalid());
    }
    header.resize(length, 0);
    socket.read_exact(&mut header[FIXED_BYTES..]).await?;
    Ok(())
}

/// Reads up to the end of the line. Looks at the bytes before it takes them.
async fn rest_of_v1(socket: &mut Socket, header: &mut Vec<u8>) -> io::Result<()> {
    if !header.starts_with(b"PROXY ") {
        return Err(invalid());
    }
    while !header.ends_with(b"\n") {
        let mut next = [0; V1_BYTES_MAX];
        let next = &mut next[..V1_BYTES_MAX.saturating_sub(header.len())];
        if next.is_empty() {
            return Err(invalid());
        }
        socket.readable().await?;
        let found = match socket.try_peek(next) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
            Err(error) => return Err(error),
        };
        let line = next[..found].iter().position(|byte| *byte == b'\n').map_or(found, |end| end + 1);
        socket.read_exact(&mut next[..line]).await?;
        header.extend_from_slice(&next[..line]);
    }
    Ok(())
}

fn invalid() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "invalid header of the PROXY protocol")
}

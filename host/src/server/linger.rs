//! Closes a connection whose caller may still be sending: with unread bytes in it, a socket that is closed resets the
//! connection, and the caller may never see the answer that it got.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long the caller may take to stop.
const TIME_MAX: Duration = Duration::from_secs(1);
/// What it may send until then.
const BYTES_MAX: u64 = 512 * 1024;
/// What is thrown away at a time.
const PIECE_BYTES: usize = 16 * 1024;

/// Says that nothing more will be sent, and throws away what still comes.
pub(super) async fn close(mut stream: TcpStream) {
    let rest = async {
        stream.shutdown().await?;
        let (mut rest, mut piece) = (stream.take(BYTES_MAX), vec![0; PIECE_BYTES]);
        while rest.read(&mut piece).await? > 0 {}
        std::io::Result::Ok(())
    };
    // Whatever happens, the connection is over.
    let _ = timeout(TIME_MAX, rest).await;
}

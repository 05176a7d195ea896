//! Closes a connection whose caller may still be sending. Closing a socket with unread bytes would reset the
//! connection, and the caller could lose the response.

use std::cell::RefCell;
use std::io;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::time::timeout;

use super::transport::Socket;

/// Maximum time to wait until the caller stops sending.
const TIME_MAX: Duration = Duration::from_secs(1);
/// Maximum number of bytes to discard; larger than the whole body of a callback.
const BYTES_MAX: usize = 512 * 1024;
/// Maximum number of bytes per read.
const PIECE_BYTES: usize = 32 * 1024;

thread_local! {
    /// Buffer for discarded bytes, shared by all connections of a thread.
    static PIECE: RefCell<Vec<u8>> = RefCell::new(vec![0; PIECE_BYTES]);
}

/// Shuts down the sending side, and discards the bytes that still arrive.
pub(super) async fn close(mut stream: Socket) {
    // Errors are ignored, because the connection is closed in any case.
    let _ = timeout(TIME_MAX, async {
        stream.shutdown().await?;
        discard(&stream).await
    })
    .await;
}

async fn discard(stream: &Socket) -> io::Result<()> {
    let mut left = BYTES_MAX;
    while left > 0 {
        stream.readable().await?;
        match PIECE.with_borrow_mut(|piece| stream.try_read(piece)) {
            Ok(0) => return Ok(()),
            Ok(read) => left = left.saturating_sub(read),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

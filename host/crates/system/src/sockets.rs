//! Listening sockets that systemd passes to the process (`sd_listen_fds`).
#![expect(unsafe_code, reason = "a descriptor that another program passed has only a number")]

use std::io;
use std::os::fd::{BorrowedFd, FromRawFd as _, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::io::{FdFlags, fcntl_setfd};
use rustix::net::sockopt::socket_acceptconn;

use crate::process;

/// Number of the first descriptor that systemd passes.
const FIRST: RawFd = 3;
/// Maximum number of descriptors; a unit of the gateway has one or two.
const COUNT_MAX: RawFd = 64;

/// Whether a socket was taken. A second owner of a descriptor would close it for the first one.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Takes over the listening socket that systemd passes, or the one with a name if it passes several. Works once.
///
/// # Errors
///
/// Fails if systemd passed no such socket to this process, or if the descriptor is not a listening socket.
pub fn passed(name: Option<&str>) -> io::Result<OwnedFd> {
    let not_found = |text: &str| io::Error::new(io::ErrorKind::NotFound, text.to_owned());
    let own = process::variable("LISTEN_PID").and_then(|pid| pid.parse::<u32>().ok());
    let count = process::variable("LISTEN_FDS").and_then(|count| count.parse::<RawFd>().ok());
    let Some(count) = count.filter(|count| own == Some(std::process::id()) && (1..=COUNT_MAX).contains(count)) else {
        return Err(not_found("systemd passed no socket; start the gateway by its socket unit"));
    };
    let names = process::variable("LISTEN_FDNAMES").unwrap_or_default();
    let index = match name {
        None if count == 1 => 0,
        None => return Err(not_found("systemd passed several sockets; write systemd:NAME")),
        Some(name) => names.split(':').position(|other| other == name).unwrap_or(usize::MAX),
    };
    let index = RawFd::try_from(index).ok().filter(|index| *index < count);
    let number = FIRST + index.ok_or_else(|| not_found("systemd passed no socket with this name"))?;
    // SAFETY: the descriptor is only used if it is open, which the first system call checks.
    let socket = unsafe { BorrowedFd::borrow_raw(number) };
    // Processes that the gateway starts do not inherit it.
    fcntl_setfd(socket, FdFlags::CLOEXEC)?;
    if !socket_acceptconn(socket)? {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the descriptor is not a listening socket"));
    }
    if TAKEN.swap(true, Ordering::Relaxed) {
        return Err(not_found("the socket of systemd is already in use"));
    }
    // SAFETY: systemd passed the descriptor to this process, which the process id proves, and it is taken only once.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

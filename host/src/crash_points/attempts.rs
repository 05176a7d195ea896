//! Operations that tests attempt inside the sandbox. The production program contains none of this code.

use std::fs::File;
use std::io;
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::thread;

/// Prefix of an input that names an operation instead of a component.
const ATTEMPT: &str = "attempt ";

/// Performs the operation that the input names, and returns the result; `None` if the input names no operation.
pub(crate) fn attempt(bytes: &[u8]) -> Option<String> {
    let (what, at) = std::str::from_utf8(bytes).ok()?.strip_prefix(ATTEMPT)?.split_once(' ')?;
    let result = match what {
        "open" => File::open(at).map(drop),
        "create" => File::create(at).map(drop),
        "connect" => TcpStream::connect(at).map(drop),
        "unix" => UnixStream::connect(at).map(drop),
        "exec" => Command::new(at).status().map(drop),
        "thread" => thread::Builder::new().spawn(|| ()).map(drop),
        "signal" => signal(at),
        _ => Err(io::Error::other("unknown attempt")),
    };
    Some(match result {
        Ok(()) => format!("{what}: done"),
        Err(error) => format!("{what}: {error}"),
    })
}

fn signal(process: &str) -> io::Result<()> {
    let process = process.parse().ok().and_then(rustix::process::Pid::from_raw);
    let process = process.ok_or_else(|| io::Error::other("no process"))?;
    Ok(rustix::process::test_kill_process(process)?)
}

//! Who has a processor next, where there are fewer processors than threads that want one.
#![expect(unsafe_code, reason = "neither the standard library nor rustix has this system call")]

use std::io;
use std::mem::size_of;
use std::time::Duration;

use rustix::process::{getpriority_process, setpriority_process};

/// What a thread asks for at a time. Linux takes none that is shorter; since 6.12 one that wakes and asks for little
/// goes before one that runs and has asked for more (`sched-eevdf` in the kernel's documentation), which is 1 to 3 ms
/// unless it says otherwise.
const SHORT_SLICE: Duration = Duration::from_micros(100);

/// Lets this thread, and those that it starts from now on, answer soon rather than compute for long.
pub fn answer_soon() -> io::Result<()> {
    set(getpriority_process(None)?, SHORT_SLICE)
}

/// Lets this thread, and those that it starts from now on, compute when nobody else wants to.
pub fn give_way(nice: i32) -> io::Result<()> {
    // Where this is refused, a short slice was refused before.
    set(nice, Duration::ZERO).or_else(|_| Ok(setpriority_process(None, nice)?))
}

/// The priority and the slice of this thread; none stands for what is usual.
fn set(nice: i32, slice: Duration) -> io::Result<()> {
    let attributes = libc::sched_attr {
        size: u32::try_from(size_of::<libc::sched_attr>()).map_err(io::Error::other)?,
        sched_policy: 0,
        sched_flags: u64::try_from(libc::SCHED_FLAG_KEEP_POLICY).map_err(io::Error::other)?,
        sched_nice: nice,
        sched_priority: 0,
        sched_runtime: u64::try_from(slice.as_nanos()).map_err(io::Error::other)?,
        sched_deadline: 0,
        sched_period: 0,
    };
    // SAFETY: it reads as many bytes of the attributes as they say that there are, and writes nothing.
    let result = unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const attributes, 0) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

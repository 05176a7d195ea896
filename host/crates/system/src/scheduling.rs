//! Sets the priority and the time slice of threads, for machines with more runnable threads than processors.
#![expect(unsafe_code, reason = "neither the standard library nor rustix has this system call")]

use std::io;
use std::mem::size_of;
use std::time::Duration;

use rustix::process::{getpriority_process, setpriority_process};

/// The shortest time slice that Linux accepts; the default is 1 to 3 ms. Since Linux 6.12, a waking thread with a short
/// slice preempts a running thread with a longer slice (`sched-eevdf` in the kernel's documentation).
const SHORT_SLICE: Duration = Duration::from_micros(100);

/// Sets a short time slice, for low latency, on this thread and the threads that it starts later.
pub fn set_latency_slice() -> io::Result<()> {
    set(getpriority_process(None)?, SHORT_SLICE)
}

/// Niceness of threads for background work, relative to the process. Callbacks have priority over it.
pub const BACKGROUND_NICE: i32 = 10;

/// Sets a nice value and the default time slice on this thread and the threads that it starts later.
pub fn lower_priority(nice: i32) -> io::Result<()> {
    // A kernel that rejects this call has also rejected the short slice, so setting the nice value is enough.
    set(nice, Duration::ZERO).or_else(|_| Ok(setpriority_process(None, nice)?))
}

/// Sets the priority and the time slice of this thread. Zero sets the default slice.
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
    // SAFETY: the call reads as many bytes of the attributes as `size` says, and writes nothing.
    let result = unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const attributes, 0) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

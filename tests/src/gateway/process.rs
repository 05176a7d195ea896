//! Reads data about a gateway's process from Linux: threads, memory, descriptors.

use std::fs::{self, DirEntry};
use std::time::Duration;

use super::Gateway;

impl Gateway {
    /// Returns the threads of the process.
    pub fn threads(&self) -> Vec<Thread> {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.process.0.id())).expect("a Linux system").flatten();
        let read = |task: &DirEntry, name| fs::read_to_string(task.path().join(name));
        // A thread that has exited meanwhile is skipped.
        tasks
            .filter_map(|task| {
                let (stat, schedstat) = (read(&task, "stat").ok()?, read(&task, "schedstat").ok()?);
                Thread::parse(&stat, &schedstat, &read(&task, "sched").unwrap_or_default())
            })
            .collect()
    }

    /// Returns the number of minor page faults of the process so far.
    pub fn page_faults(&self) -> u64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.process.0.id())).expect("a Linux system");
        let (_, fields) = stat.rsplit_once(") ").expect("its name in parentheses");
        fields.split(' ').nth(7).and_then(|number| number.parse().ok()).expect("a number")
    }

    /// Returns the number of open descriptors.
    pub fn descriptors(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.process.0.id())).expect("a Linux system").count()
    }

    /// Returns the resident anonymous memory in KiB.
    pub fn resident_kib(&self) -> u64 {
        self.memory_kib("RssAnon:")
    }

    /// Returns the peak resident memory in KiB.
    pub fn peak_kib(&self) -> u64 {
        self.memory_kib("VmHWM:")
    }

    fn memory_kib(&self, name: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.0.id())).expect("a Linux system");
        let line = status.lines().find(|line| line.starts_with(name)).expect("its memory");
        line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("a number")
    }
}

/// A thread of a gateway.
#[derive(Debug)]
pub struct Thread {
    /// The name of the thread.
    pub name: String,
    /// The nice value.
    pub nice: i32,
    /// The time slice that the thread requests; `None` if this system does not support or report slices.
    pub slice: Option<Duration>,
    /// The CPU time used so far.
    pub ran: Duration,
}

impl Thread {
    fn parse(stat: &str, schedstat: &str, sched: &str) -> Option<Self> {
        let (name, fields) = stat.split_once('(')?.1.rsplit_once(") ")?;
        let slice = sched.lines().find(|line| line.starts_with("se.slice")).filter(|_| supports_slices());
        let slice = slice.and_then(|line| line.split(' ').next_back()?.parse().ok()).map(Duration::from_nanos);
        let ran = Duration::from_nanos(schedstat.split(' ').next()?.parse().ok()?);
        Some(Self { name: name.to_owned(), nice: fields.split(' ').nth(16)?.parse().ok()?, slice, ran })
    }
}

/// Returns whether Linux applies a requested slice. Versions before 6.12 accept it but ignore it.
fn supports_slices() -> bool {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").expect("a Linux system");
    let mut numbers = release.split(['.', '-']).map_while(|number| number.parse::<u32>().ok());
    (numbers.next(), numbers.next()) >= (Some(6), Some(12))
}

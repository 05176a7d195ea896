//! Confines the process that parses and compiles untrusted files, by limits, a separate user, namespaces, Landlock and
//! seccomp.
//!
//! The limits are required. Every other part is applied if the kernel supports it; [`Confinement`] lists the applied
//! parts. A process enters the sandbox with a single thread, starts the threads that it needs, and then closes the
//! sandbox.

mod calls;

use std::io;

use landlock::{ABI, Access as _, AccessFs, AccessNet, RulesetAttr as _, RulesetStatus, Scope};
use rustix::process::{
    DumpableBehavior, Resource, Rlimit, getegid, geteuid, getrlimit, set_dumpable_behavior, setrlimit,
};
use rustix::thread::{
    CapabilitySet, CapabilitySets, Gid, Uid, set_capabilities, set_no_new_privs, set_thread_groups, set_thread_res_gid,
    set_thread_res_uid,
};
use serde::{Deserialize, Serialize};

/// User and group id that a process of root changes to: the kernel's overflow id, which owns no file.
const NOBODY: u32 = 65_534;

/// Maximum number of descriptors: standard input, output and error. No further descriptor can be opened.
const DESCRIPTORS_MAX: u64 = 3;

/// The resource limits of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Maximum address space, in bytes.
    pub memory_bytes_max: u64,
    /// Maximum CPU time of all threads together, in seconds.
    pub cpu_seconds_max: u64,
    /// Maximum size of a written file, in bytes.
    pub output_bytes_max: u64,
}

/// The parts that confine a process, besides its limits.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Confinement {
    /// The process runs as a separate user. Only root can do that.
    pub user: bool,
    /// The process has empty namespaces for network, IPC and host name, and no capability.
    pub namespaces: bool,
    /// The process cannot open files and TCP connections.
    pub landlock: Enforced,
    /// The process can only make the system calls of a compiler.
    pub seccomp: bool,
}

/// How much of a part is enforced.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Enforced {
    /// The kernel does not support it.
    #[default]
    No,
    /// An older kernel supports a part of it.
    Partly,
    /// All rights that this version knows are enforced.
    Fully,
}

impl Confinement {
    /// Returns the names of the applied parts, for operators.
    pub fn parts(&self) -> Vec<&'static str> {
        let landlock = match self.landlock {
            Enforced::No => None,
            Enforced::Partly => Some("Landlock (in part)"),
            Enforced::Fully => Some("Landlock"),
        };
        let seccomp = self.seccomp.then_some("seccomp");
        let namespaces = self.namespaces.then_some("namespaces");
        [seccomp, landlock, namespaces, self.user.then_some("a separate user")].into_iter().flatten().collect()
    }

    /// Returns the names of the parts that the kernel or its settings do not allow.
    pub fn missing(&self) -> Vec<&'static str> {
        let seccomp = (!self.seccomp).then_some("seccomp");
        let landlock = (self.landlock == Enforced::No).then_some("Landlock");
        let namespaces = (!self.namespaces).then_some("user namespaces");
        [seccomp, landlock, namespaces].into_iter().flatten().collect()
    }
}

/// A sandbox whose seccomp filters are not installed yet, so that the process can still start threads.
pub struct Sandbox(Confinement);

impl Sandbox {
    /// Applies the limits and every part except seccomp, so that the process can still start threads. The process must
    /// have a single thread.
    pub fn enter(limits: &Limits) -> io::Result<Self> {
        close_descriptors();
        limit(Resource::As, limits.memory_bytes_max)?;
        // SIGXCPU at the soft limit shows the cause; SIGKILL at the hard limit cannot be ignored.
        limit_between(Resource::Cpu, limits.cpu_seconds_max, limits.cpu_seconds_max + 1)?;
        limit(Resource::Fsize, limits.output_bytes_max)?;
        limit(Resource::Core, 0)?;
        set_no_new_privs(true)?;
        let user = drop_root();
        let namespaces = unshare_namespaces();
        let landlock = restrict_files();
        // A change of user or namespace resets this setting.
        set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
        Ok(Self(Confinement { user, namespaces, landlock, seccomp: false }))
    }

    /// Forbids new threads, new descriptors and every system call that a compiler does not need.
    pub fn close(self) -> io::Result<Confinement> {
        limit(Resource::Nofile, DESCRIPTORS_MAX)?;
        limit(Resource::Nproc, 0)?;
        let seccomp = calls::install_filters();
        Ok(Confinement { seccomp, ..self.0 })
    }
}

/// Lowers the soft and the hard limit. A lower existing hard limit is kept.
fn limit(resource: Resource, most: u64) -> io::Result<()> {
    limit_between(resource, most, most)
}

fn limit_between(resource: Resource, soft: u64, hard: u64) -> io::Result<()> {
    let allowed = getrlimit(resource).maximum.unwrap_or(u64::MAX);
    let (current, maximum) = (Some(soft.min(allowed)), Some(hard.min(allowed)));
    Ok(setrlimit(resource, Rlimit { current, maximum })?)
}

/// Closes all descriptors except the standard streams. The gateway passes on no other descriptors, so a kernel without
/// this call (before 5.9) is also safe.
#[expect(unsafe_code, reason = "neither the standard library nor rustix closes a range of descriptors")]
fn close_descriptors() {
    // SAFETY: the process has just started with one thread, and no value of this program owns a descriptor yet.
    unsafe { libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, 0) };
}

/// Gives up root privileges permanently. Returns `false` if the process is not root, or may not change its user.
fn drop_root() -> bool {
    if !geteuid().is_root() {
        return false;
    }
    let (user, group) = (Uid::from_raw(NOBODY), Gid::from_raw(NOBODY));
    let dropped = set_thread_groups(&[])
        .and_then(|()| set_thread_res_gid(group, group, group))
        .and_then(|()| set_thread_res_uid(user, user, user));
    dropped.is_ok() && geteuid() == user && getegid() == group
}

/// Moves the process to new namespaces, and drops all capabilities. Returns whether both succeeded.
#[expect(unsafe_code, reason = "rustix cannot know which resources of the process other code shares")]
fn unshare_namespaces() -> bool {
    use rustix::thread::{UnshareFlags as U, unshare_unsafe};
    let flags = U::NEWUSER | U::NEWNET | U::NEWIPC | U::NEWUTS;
    // SAFETY: no flag unshares descriptors or file system state, and the process has a single thread.
    let left = unsafe { unshare_unsafe(flags) }.is_ok();
    let none = CapabilitySet::empty();
    let dropped = set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none });
    left && dropped.is_ok()
}

/// Forbids access to the file system and TCP, signals to other processes, and their abstract sockets.
fn restrict_files() -> Enforced {
    let ruleset = landlock::Ruleset::default();
    let restricted = ruleset
        .handle_access(AccessFs::from_all(ABI::V7))
        .and_then(|ruleset| ruleset.handle_access(AccessNet::from_all(ABI::V7)))
        .and_then(|ruleset| ruleset.scope(Scope::from_all(ABI::V7)))
        .and_then(landlock::Ruleset::create)
        .and_then(landlock::RulesetCreated::restrict_self);
    match restricted.map(|status| status.ruleset) {
        Ok(RulesetStatus::FullyEnforced) => Enforced::Fully,
        Ok(RulesetStatus::PartiallyEnforced) => Enforced::Partly,
        _ => Enforced::No,
    }
}

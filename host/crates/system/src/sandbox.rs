//! Confines the process that parses and compiles strangers' files: limits, another user, namespaces, Landlock and
//! seccomp.
//!
//! The limits are a precondition. Of the rest, each part that the kernel has is applied, and [`Confinement`] names
//! those. A process enters while it has one thread, starts the threads that it needs, and closes the sandbox.

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

/// The user and group that a process of root becomes: the kernel's overflow identity, which owns no file.
const NOBODY: u32 = 65_534;

/// Standard input, output and error. No further descriptor can be opened.
const DESCRIPTORS_MAX: u64 = 3;

/// What the process may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Address space.
    pub memory_bytes_max: u64,
    /// Time on all processors together.
    pub cpu_seconds_max: u64,
    /// Bytes of a file that it writes.
    pub output_bytes_max: u64,
}

/// What confines a process beside its limits.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Confinement {
    /// It runs as a user of its own; only root can arrange that.
    pub user: bool,
    /// It has a network, IPC objects and host name of its own, which are empty, and no capability.
    pub namespaces: bool,
    /// It opens no file and no TCP connection.
    pub landlock: Enforced,
    /// It makes the system calls of a compiler, and no others.
    pub seccomp: bool,
}

/// How much of a part is enforced.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Enforced {
    /// The kernel has none of it.
    #[default]
    No,
    /// An older kernel has a part of it.
    Partly,
    /// Everything that this version knows.
    Fully,
}

impl Confinement {
    /// The parts that are in force, as operators read them.
    pub fn parts(&self) -> Vec<&'static str> {
        let landlock = match self.landlock {
            Enforced::No => None,
            Enforced::Partly => Some("Landlock (in part)"),
            Enforced::Fully => Some("Landlock"),
        };
        let seccomp = self.seccomp.then_some("seccomp");
        let namespaces = self.namespaces.then_some("namespaces");
        [seccomp, landlock, namespaces, self.user.then_some("a user of its own")].into_iter().flatten().collect()
    }

    /// The parts that this kernel or its settings do not allow.
    pub fn missing(&self) -> Vec<&'static str> {
        let seccomp = (!self.seccomp).then_some("seccomp");
        let landlock = (self.landlock == Enforced::No).then_some("Landlock");
        let namespaces = (!self.namespaces).then_some("user namespaces");
        [seccomp, landlock, namespaces].into_iter().flatten().collect()
    }
}

/// A sandbox that is still open: the process can start threads.
pub struct Sandbox(Confinement);

impl Sandbox {
    /// Limits the process and takes away everything but threads. The process must have a single thread.
    pub fn enter(limits: &Limits) -> io::Result<Self> {
        close_descriptors();
        limit(Resource::As, limits.memory_bytes_max)?;
        // The first signal says what it is about, the second one cannot be ignored.
        limit_between(Resource::Cpu, limits.cpu_seconds_max, limits.cpu_seconds_max + 1)?;
        limit(Resource::Fsize, limits.output_bytes_max)?;
        limit(Resource::Core, 0)?;
        set_no_new_privs(true)?;
        let user = become_nobody();
        let namespaces = leave_namespaces();
        let landlock = forbid_files();
        // A change of user or namespace sets this anew.
        set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
        Ok(Self(Confinement { user, namespaces, landlock, seccomp: false }))
    }

    /// Forbids further threads, descriptors and every system call that a compiler does without.
    pub fn close(self) -> io::Result<Confinement> {
        limit(Resource::Nofile, DESCRIPTORS_MAX)?;
        limit(Resource::Nproc, 0)?;
        let seccomp = calls::allow_few();
        Ok(Confinement { seccomp, ..self.0 })
    }
}

/// Lowers a limit for good. A limit that is lower already stays.
fn limit(resource: Resource, most: u64) -> io::Result<()> {
    limit_between(resource, most, most)
}

fn limit_between(resource: Resource, soft: u64, hard: u64) -> io::Result<()> {
    let allowed = getrlimit(resource).maximum.unwrap_or(u64::MAX);
    let (current, maximum) = (Some(soft.min(allowed)), Some(hard.min(allowed)));
    Ok(setrlimit(resource, Rlimit { current, maximum })?)
}

/// Closes everything but the standard streams. The gateway leaves nothing else open; a kernel without this call (before
/// 5.9) goes by that.
#[expect(unsafe_code, reason = "neither the standard library nor rustix closes a range of descriptors")]
fn close_descriptors() {
    // SAFETY: the process has just started with one thread: no value of this program owns a descriptor yet.
    unsafe { libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, 0) };
}

/// Gives up root for good; `false` if the process is not root, or may not.
fn become_nobody() -> bool {
    if !geteuid().is_root() {
        return false;
    }
    let (user, group) = (Uid::from_raw(NOBODY), Gid::from_raw(NOBODY));
    let given_up = set_thread_groups(&[])
        .and_then(|()| set_thread_res_gid(group, group, group))
        .and_then(|()| set_thread_res_uid(user, user, user));
    given_up.is_ok() && geteuid() == user && getegid() == group
}

/// Moves the process to namespaces of its own, where it has no capability.
#[expect(unsafe_code, reason = "rustix cannot know which resources of the process other code shares")]
fn leave_namespaces() -> bool {
    use rustix::thread::{UnshareFlags as U, unshare_unsafe};
    let flags = U::NEWUSER | U::NEWNET | U::NEWIPC | U::NEWUTS;
    // SAFETY: none of the flags takes descriptors or the file system's state from another thread, and there is one.
    let left = unsafe { unshare_unsafe(flags) }.is_ok();
    let none = CapabilitySet::empty();
    let dropped = set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none });
    left && dropped.is_ok()
}

/// Forbids every access to the file system, TCP, and signals and abstract sockets of others.
fn forbid_files() -> Enforced {
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

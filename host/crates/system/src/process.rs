//! Hardens the process: protects its environment, forbids core dumps, and restricts privileges.
//!
//! `/proc/PID/environ` shows the initial environment to every process of the same user, as long as the process runs. At
//! the start, the values are therefore moved to memory of this module, where secrets are looked up at startup and at
//! every reload.
#![expect(unsafe_code, reason = "removing a variable leaves its value in memory, where /proc shows it")]

use std::collections::BTreeMap;
use std::ffi::{CStr, OsStr, OsString, c_char};
use std::io;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::sync::OnceLock;

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
use rustix::thread::set_no_new_privs;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize as _, Zeroizing};

/// Protection of the gateway's memory from other processes of the machine.
#[derive(Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("x-restart" = true))]
pub struct Settings {
    /// Whether core dumps, and debuggers of the same user, are allowed. Both expose every secret.
    pub core_dumps: bool,
}

/// Variables that stay in the environment, since they are read there later. They contain no secret.
const KEPT: [&str; 18] = [
    "FRONTGATE_CONFIG",
    "FRONTGATE_CRASH_AT",
    "FRONTGATE_TRUSTED_FOLDERS",
    "HOME",
    "LANG",
    "LC_ALL",
    "LD_LIBRARY_PATH",
    "LOCALDOMAIN",
    "NO_COLOR",
    "PATH",
    "PWD",
    "RES_OPTIONS",
    "RUST_BACKTRACE",
    "RUST_LIB_BACKTRACE",
    "TERM",
    "TMPDIR",
    "TOKIO_WORKER_THREADS",
    "TZ",
];

/// Variables that were moved out of the environment.
static TAKEN: OnceLock<BTreeMap<OsString, Zeroizing<Vec<u8>>>> = OnceLock::new();

unsafe extern "C" {
    /// The C library's list of `NAME=value`, with a null pointer at its end.
    static mut environ: *mut *mut c_char;
}

/// Returns the value of a variable, even if the variable was moved out of the environment.
pub fn variable(name: &str) -> Option<Zeroizing<String>> {
    if let Some(value) = TAKEN.get().and_then(|taken| taken.get(OsStr::new(name))) {
        return str::from_utf8(value).ok().map(|value| Zeroizing::new(value.to_owned()));
    }
    std::env::var(name).ok().map(Zeroizing::new)
}

/// Returns the variables that were moved out of the environment, for another process of this program.
pub fn taken() -> impl Iterator<Item = (&'static OsStr, &'static OsStr)> {
    let taken = TAKEN.get().into_iter().flatten();
    taken.map(|(name, value)| (name.as_os_str(), OsStr::from_bytes(value)))
}

/// Moves all variables except [`KEPT`] out of the environment, and overwrites their initial values.
///
/// # Safety
///
/// No other thread may run yet: all threads share the environment without a lock.
pub unsafe fn take_environment() {
    let is_taken = |name: &OsStr| !KEPT.iter().any(|kept| name == *kept);
    let all = std::env::vars_os().map(|(name, value)| (name, Zeroizing::new(value.into_vec())));
    let taken: BTreeMap<_, _> = all.filter(|(name, _)| is_taken(name)).collect();
    // SAFETY: no other thread uses the environment.
    unsafe { overwrite(is_taken) };
    for name in taken.keys() {
        #[expect(clippy::disallowed_methods, reason = "no other thread runs yet")]
        // SAFETY: no other thread uses the environment.
        unsafe {
            std::env::remove_var(name)
        };
    }
    // Only the first call finds variables to move, so the error of a later call is ignored.
    let _ = TAKEN.set(taken);
}

/// Overwrites the values of variables in place.
///
/// # Safety
///
/// No other thread may use the environment.
unsafe fn overwrite(is_taken: impl Fn(&OsStr) -> bool) {
    // SAFETY: the C library has set `environ` before `main`, and no other thread changes it.
    let mut at = unsafe { environ };
    // SAFETY: the list ends with a null pointer, and nothing is read after it.
    while let Some(text) = unsafe { at.as_ref() }.filter(|text| !text.is_null()) {
        // SAFETY: each entry is a NUL-terminated string.
        let length = unsafe { CStr::from_ptr(*text) }.count_bytes();
        // SAFETY: the string has this length, is writable, and no other reference to it exists.
        let text = unsafe { std::slice::from_raw_parts_mut(text.cast::<u8>(), length) };
        let name = text.iter().position(|byte| *byte == b'=').unwrap_or(length);
        let (name, value) = text.split_at_mut(name);
        if is_taken(OsStr::from_bytes(name)) {
            value.zeroize();
        }
        // SAFETY: the current entry is not the end of the list.
        at = unsafe { at.add(1) };
    }
}

/// Forbids core dumps, debuggers of the same user, and new privileges for the process and its children.
pub fn protect() -> io::Result<()> {
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    Ok(set_no_new_privs(true)?)
}

/// Allows core dumps and debuggers again, or sets the limit of core files to 0.
pub fn core_dumps(wanted: bool) -> io::Result<()> {
    if wanted {
        return Ok(set_dumpable_behavior(DumpableBehavior::Dumpable)?);
    }
    Ok(setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?)
}

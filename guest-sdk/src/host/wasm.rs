//! The back end in WebAssembly: the imports of `wit/`, and WASI for the clock and for files.

pub(crate) use crate::bindings::{
    actions, attachments, directory, host_random as random, http_client as http, log, settings, state,
    webhook_signatures as signatures,
};

pub(crate) mod clock {
    use std::time::SystemTime;

    pub(crate) fn now() -> SystemTime {
        SystemTime::now()
    }
}

pub(crate) mod files {
    use std::{fs, io};

    use crate::host::FileVersion;

    pub(crate) fn read(path: &str) -> io::Result<String> {
        fs::read_to_string(path)
    }

    pub(crate) fn version(path: &str) -> Option<FileVersion> {
        let found = fs::metadata(path).ok()?;
        Some(FileVersion { modified: found.modified().ok()?, bytes: found.len(), instance: 0 })
    }
}

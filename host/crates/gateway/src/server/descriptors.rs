//! Computes the number of connections that the limit on open files allows.

use tracing::warn;

use crate::settings::Server;

/// Maximum number of connections on the operators' listener, for a few people and metrics scrapers.
pub const OPERATORS_CONNECTIONS_MAX: usize = 128;

/// Files that the process itself needs: database, log, listeners, timers, plugins being loaded, connections being
/// closed.
const FILES_OF_PROCESS: usize = 256;
/// Files that a plugin call needs: one in a granted folder, and one connection.
const FILES_PER_CALL: usize = 2;

/// Returns how many connections the public listener may accept under a limit on open files; `None` means no limit. At a
/// low limit, half of the descriptors are reserved for everything else.
pub fn connections_max(server: &Server, calls_max: u32, open_files_max: Option<u64>) -> usize {
    let wanted = server.connections_max;
    let Some(files) = open_files_max.and_then(|files| usize::try_from(files).ok()) else {
        return wanted;
    };
    let calls = usize::try_from(calls_max).unwrap_or(usize::MAX);
    let reserved = calls.saturating_mul(FILES_PER_CALL).saturating_add(FILES_OF_PROCESS + OPERATORS_CONNECTIONS_MAX);
    let possible = (files - reserved.min(files / 2)).max(1);
    if possible < wanted {
        warn!(
            event = "server.connections_limited",
            connections_max = possible,
            open_files_max = files,
            "at most {possible} connections, not server.connections_max = {wanted}: limit on open files is {files}; \
             raise the limit to {} (`ulimit -n`, LimitNOFILE=), or lower server.connections_max",
            wanted.saturating_add(reserved)
        );
    }
    wanted.min(possible)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_limit_connections_are_as_configured() {
        assert_eq!(connections_max(&Server::default(), 256, None), 4096);
    }

    #[test]
    fn a_high_limit_changes_nothing() {
        assert_eq!(connections_max(&Server::default(), 256, Some(65_536)), 4096);
    }

    #[test]
    fn a_low_limit_leaves_files_for_everything_else() {
        assert_eq!(connections_max(&Server::default(), 256, Some(4096)), 4096 - 2 * 256 - 256 - 128);
        assert_eq!(connections_max(&Server::default(), 256, Some(256)), 128);
        assert_eq!(connections_max(&Server::default(), 256, Some(1)), 1);
    }
}

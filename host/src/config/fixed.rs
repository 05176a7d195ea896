//! What a running gateway cannot change: sockets that are bound, memory that is reserved, an open
//! database.

use super::Config;

impl Config {
    /// The settings of another configuration that would need a restart of what began with this one.
    pub fn fixed_settings_changed(&self, new: &Self) -> Vec<&'static str> {
        let both = self.fixed_settings().into_iter().zip(new.fixed_settings());
        let changed = both.filter(|((_, old), (_, new))| old != new).map(|((name, _), _)| name);
        let both = self.plugins.reserved().into_iter().zip(new.plugins.reserved());
        let grown = both.filter(|((_, old), (_, new))| new > old).map(|((name, _), _)| name);
        changed.chain(grown).collect()
    }

    fn fixed_settings(&self) -> Vec<(&'static str, String)> {
        let Self { server, admin, log, store, plugins, .. } = self;
        macro_rules! settings {
            ($($section:ident$(.$part:ident)*,)+) => {
                vec![$((stringify!($section$(.$part)*), format!("{:?}", $section$(.$part)*)),)+]
            };
        }
        settings![
            server.listen,
            server.connections_max,
            server.connections_per_address_max,
            server.connection_age_ms,
            server.header_timeout_ms,
            server.header_bytes_max,
            server.headers_max,
            server.write_timeout_ms,
            server.shutdown_delay_ms,
            server.shutdown_grace_ms,
            admin,
            log,
            store,
            plugins.directory,
            plugins.cache,
            plugins.calls_max,
            plugins.directory_calls_max,
            plugins.queue_max,
            plugins.stack_bytes_max,
        ]
    }
}

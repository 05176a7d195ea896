//! `log`: writes lines to the gateway's log.

use frontgate_contract::bindings::log;
use tracing::Level;
use wasmtime::component::HasData;

use crate::run::output::Output;

/// Host side of the import `log` for one call.
pub(crate) struct LogHost<'a>(pub(crate) &'a Output);

impl HasData for LogHost<'static> {
    type Data<'a> = LogHost<'a>;
}

impl log::Host for LogHost<'_> {
    fn write(&mut self, level: log::Level, message: String) {
        let level = match level {
            log::Level::Error => Level::ERROR,
            log::Level::Warn => Level::WARN,
            log::Level::Info => Level::INFO,
            log::Level::Debug => Level::DEBUG,
            log::Level::Trace => Level::TRACE,
        };
        self.0.line(level, &message);
    }
}

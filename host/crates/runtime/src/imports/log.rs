//! `log`: lines in the gateway's log.

use frontgate_contract::bindings::log;
use tracing::Level;

use crate::run::store::CallStore;

impl log::Host for CallStore {
    fn write(&mut self, level: log::Level, message: String) {
        let level = match level {
            log::Level::Error => Level::ERROR,
            log::Level::Warn => Level::WARN,
            log::Level::Info => Level::INFO,
            log::Level::Debug => Level::DEBUG,
            log::Level::Trace => Level::TRACE,
        };
        self.output.line(level, &message);
    }
}

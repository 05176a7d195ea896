//! Converts a call to the form in which the console's recorder keeps it.

use frontgate_recorder::{CallCost, PluginCall};

use super::{CallRecord, Cost};

impl From<CallRecord> for PluginCall {
    fn from(record: CallRecord) -> Self {
        let CallRecord { plugin, function, outcome, limit, digest, queue_us, cost } = record;
        Self { plugin, function, outcome, limit, digest: *digest.bytes(), queue_us, cost: cost.map(CallCost::from) }
    }
}

impl From<Cost> for CallCost {
    fn from(cost: Cost) -> Self {
        Self {
            is_reused: cost.is_reused,
            start_us: cost.start_us,
            run_us: cost.run_us,
            cpu_us: cost.cpu_us,
            memory_bytes: cost.memory_bytes,
            requests: cost.requests,
            hosts: cost.hosts,
            bytes_exchanged: (cost.bytes_out, cost.bytes_back),
        }
    }
}

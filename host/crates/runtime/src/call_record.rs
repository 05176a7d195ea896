//! Records of calls: resource usage and outcome of each call, for people and programs.

use std::fmt;
use std::sync::Arc;

use frontgate_telemetry::capture;
use parking_lot::Mutex;
use serde::Serialize;

/// The records of a request's calls, kept only if something reads them.
#[derive(Debug, Clone, Default)]
pub struct CallRecords(Option<Arc<Mutex<Vec<CallRecord>>>>);

impl CallRecords {
    /// Creates a list that keeps records only if the log level is `debug`.
    pub fn kept_at_debug() -> Self {
        Self(tracing::enabled!(target: capture::CALLS, tracing::Level::DEBUG).then(Arc::default))
    }

    /// Creates a list that keeps records.
    pub fn kept() -> Self {
        Self(Some(Arc::default()))
    }

    /// Returns all records so far, separated by semicolons; `None` without records.
    pub fn text(&self) -> Option<String> {
        let all: Vec<String> = self.all().iter().map(ToString::to_string).collect();
        (!all.is_empty()).then(|| all.join("; "))
    }

    /// Returns all records so far.
    pub fn all(&self) -> Vec<CallRecord> {
        self.0.as_ref().map(|all| all.lock().clone()).unwrap_or_default()
    }

    pub(crate) fn are_kept(&self) -> bool {
        self.0.is_some()
    }

    pub(crate) fn add(&self, record: CallRecord) {
        if let Some(all) = &self.0 {
            all.lock().push(record);
        }
    }
}

/// One call that has ended.
#[derive(Debug, Clone, Serialize)]
pub struct CallRecord {
    /// Name of the plugin.
    pub plugin: String,
    /// Name of the function, such as `crm.list-customers`.
    pub function: String,
    /// `answered`, or the code of the error.
    pub outcome: &'static str,
    /// The limit that ended the call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<&'static str>,
    /// First digits of the digest of the plugin's file.
    pub digest: String,
    /// Time until admission, in microseconds.
    pub queue_us: u64,
    /// Resources that it used; none if it was not admitted.
    #[serde(flatten)]
    pub cost: Option<Cost>,
}

/// Resources that a call used.
#[derive(Debug, Clone, Serialize)]
pub struct Cost {
    /// Whether the call reused an instance.
    #[serde(rename = "reused")]
    pub is_reused: bool,
    /// Time until the instance was ready, in microseconds.
    pub start_us: u64,
    /// Wall time in microseconds, including the start.
    pub run_us: u64,
    /// Processor time in microseconds.
    pub cpu_us: u64,
    /// Peak size of all linear memories together, in bytes.
    pub memory_bytes: usize,
    /// Host functions that the plugin called.
    pub host_calls: u32,
    /// Output lines dropped because of the limits.
    pub lines_dropped: u64,
    /// Keys written to the plugin's state, and bytes of these keys and values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_written: Option<(usize, usize)>,
    /// HTTP requests, including rejected ones.
    pub requests: u32,
    /// Hosts of these requests.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<String>,
    /// Bytes sent.
    pub bytes_out: u64,
    /// Bytes received.
    pub bytes_back: u64,
}

impl fmt::Display for CallRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.plugin, self.function, self.outcome)?;
        if let Some(limit) = self.limit {
            write!(f, " ({limit})")?;
        }
        write!(f, ", digest {}, queue {} us", self.digest, self.queue_us)?;
        match &self.cost {
            Some(cost) => write!(f, ", {cost}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let instance = if self.is_reused { "reused" } else { "fresh" };
        let Self { start_us, run_us, cpu_us, memory_bytes, host_calls, lines_dropped, .. } = self;
        write!(
            f,
            "{instance} instance, start {start_us} us, run {run_us} us, cpu {cpu_us} us, memory {memory_bytes} bytes, \
             host calls {host_calls}, lines dropped {lines_dropped}"
        )?;
        if let Some((keys, bytes)) = self.state_written {
            write!(f, ", state {keys} keys ({bytes} bytes) written")?;
        }
        if self.requests > 0 {
            let (count, hosts, out, back) = (self.requests, self.hosts.join(" "), self.bytes_out, self.bytes_back);
            write!(f, ", requests {count} ({hosts}; {out} bytes out, {back} bytes back)")?;
        }
        Ok(())
    }
}

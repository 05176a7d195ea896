//! Records of calls: resource usage and outcome of each call, for people and programs.

mod recorded;
mod records;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use frontgate_contract::digest::Digest;
use serde::{Serialize, Serializer};

pub use self::records::{CallRecords, OutputLine, OutputLines};

/// One call that has ended.
#[derive(Debug, Clone, Serialize)]
pub struct CallRecord {
    /// Name of the plugin.
    #[serde(serialize_with = "text")]
    pub plugin: Arc<str>,
    /// Name of the function, such as `crm.list-customers`.
    pub function: Cow<'static, str>,
    /// `answered`, or the code of the error.
    pub outcome: &'static str,
    /// The limit that ended the call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<&'static str>,
    /// Digest of the plugin's file. Serialized as its first digits.
    #[serde(serialize_with = "short")]
    pub digest: Digest,
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

fn text<S: Serializer>(text: &Arc<str>, output: S) -> Result<S::Ok, S::Error> {
    output.serialize_str(text)
}

fn short<S: Serializer>(digest: &Digest, output: S) -> Result<S::Ok, S::Error> {
    output.serialize_str(&digest.short())
}

impl fmt::Display for CallRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.plugin, self.function, self.outcome)?;
        if let Some(limit) = self.limit {
            write!(f, " ({limit})")?;
        }
        write!(f, ", digest {}, queue {} us", self.digest.short(), self.queue_us)?;
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

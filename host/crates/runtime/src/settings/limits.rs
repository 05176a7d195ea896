//! `[plugins.limits]`: what one call of a plugin may use.

use frontgate_settings::limits;

limits! {
    /// What one call of a plugin may use.
    Limits,
    /// Limits of one plugin that differ from `[plugins.limits]`.
    LimitOverrides,

    /// Time on a processor.
    cpu_time_ms: u64 = 1_000,
    /// Time by the clock; never longer than what the callback's deadline leaves.
    call_timeout_ms: u64 = 5_000,
    /// Linear memories of the call, added up.
    memory_bytes_max: usize = 64 * 1024 * 1024,
    /// Memory that the gateway holds for the call: what is behind its handles, files that it reads, state that it
    /// has written.
    host_memory_bytes_max: usize = 8 * 1024 * 1024,
    /// Elements of all tables of the call, added up.
    table_elements_max: usize = 100_000,
    /// Lines in the log, from `log`, standard output and standard error together.
    output_lines_max: u32 = 100,
    /// Bytes in those lines.
    output_bytes_max: usize = 16 * 1024,
    /// Bytes of one answer, or of what one call into the gateway hands over.
    answer_bytes_max: usize = 2 * 1024 * 1024,
    /// Open files, streams and the like.
    handles_max: usize = 1_024,
    /// Signatures of webhooks that it may check; each costs a hash over the message.
    signatures_max: u32 = 20,
    /// Requests that it may send; those that are refused count.
    outbound_requests_max: u32 = 20,
    /// Of those at one time; further ones wait.
    outbound_concurrent_max: u32 = 4,
    /// Bytes in the body of one request.
    outbound_request_bytes_max: usize = 1024 * 1024,
    /// Bytes in a body that the gateway makes of files: `http-client.upload`, and what it fetches for Front.
    outbound_file_bytes_max: usize = 25 * 1024 * 1024,
    /// Bytes in the body of one answer.
    outbound_response_bytes_max: usize = 1024 * 1024,
    /// Until a connection is open: the look-up of the name, the connection, TLS.
    outbound_connect_timeout_ms: u64 = 2_000,
    /// The whole request; never longer than what is left of the call.
    outbound_timeout_ms: u64 = 3_000,
}

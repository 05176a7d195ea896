//! `[plugins.limits]`: limits of one call of a plugin.

use frontgate_settings::limits;

limits! {
    /// Limits of one call.
    Limits,
    /// Limits of one plugin that differ from `[plugins.limits]`.
    LimitOverrides,

    /// Processor time.
    cpu_time_ms: u64 = 1_000,
    /// Wall time; the deadline of the callback may be earlier.
    call_timeout_ms: u64 = 5_000,
    /// Size of all linear memories together.
    memory_bytes_max: usize = 64 * 1024 * 1024,
    /// Memory that the gateway holds for the call: open handles, files being read, written state.
    host_memory_bytes_max: usize = 8 * 1024 * 1024,
    /// Elements of all tables together.
    table_elements_max: usize = 100_000,
    /// Lines of output: `log`, standard output and standard error together.
    output_lines_max: u32 = 100,
    /// Bytes of output.
    output_bytes_max: usize = 16 * 1024,
    /// Bytes of the result, or of the arguments of one host function.
    answer_bytes_max: usize = 2 * 1024 * 1024,
    /// Open handles, such as files and streams.
    handles_max: usize = 1_024,
    /// Webhook signatures to verify; each costs a hash over the message.
    signatures_max: u32 = 20,
    /// HTTP requests, including rejected ones.
    outbound_requests_max: u32 = 20,
    /// Concurrent HTTP requests; further ones wait.
    outbound_concurrent_max: u32 = 4,
    /// Bytes of a request body.
    outbound_request_bytes_max: usize = 1024 * 1024,
    /// Bytes of a body of files: in `http-client.upload`, and files that the gateway fetches for Front.
    outbound_file_bytes_max: usize = 25 * 1024 * 1024,
    /// Bytes of a response body.
    outbound_response_bytes_max: usize = 1024 * 1024,
    /// Timeout for a connection: name resolution, TCP and TLS.
    outbound_connect_timeout_ms: u64 = 2_000,
    /// Timeout for a whole request; the deadline of the call may be earlier.
    outbound_timeout_ms: u64 = 3_000,
}

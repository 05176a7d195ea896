//! `[plugins.limits]`: resources of one call of a plugin.

use frontgate_settings::limits;

limits! {
    /// Limits of one call. A plugin can have limits of its own in `[plugins.named.NAME]`.
    Limits,
    /// Limits of one plugin that differ from `[plugins.limits]`.
    LimitOverrides,

    /// Processor time.
    #[schemars(range(min = 1, max = 86_400_000))]
    cpu_time_ms: u64 = 1_000,
    /// Elapsed time. The deadline of the callback can be earlier. At most `plugins.drain_timeout_ms`.
    #[schemars(range(min = 1, max = 86_400_000))]
    call_timeout_ms: u64 = 5_000,
    /// Size of all linear memories in bytes.
    #[schemars(range(min = 65_536, max = 4_u64 << 30), extend("x-restart" = "when raised"))]
    memory_bytes_max: usize = 64 << 20,
    /// Memory in bytes that the gateway holds for the call: headers, streams, open files, folder listings, and state
    /// that it has written. A call that needs more is ended.
    #[schemars(range(min = 65_536, max = 4_u64 << 30))]
    host_memory_bytes_max: usize = 8 << 20,
    /// Elements of all tables.
    #[schemars(range(min = 1, max = 10_000_000), extend("x-restart" = "when raised"))]
    table_elements_max: usize = 100_000,
    /// Lines of log, standard output and standard error. Further lines are dropped.
    output_lines_max: u32 = 100,
    /// Size of those lines in bytes.
    output_bytes_max: usize = 16 << 10,
    /// Size in bytes of the call's result, and of what one call into the gateway passes.
    #[schemars(range(min = 1, max = 1 << 30))]
    answer_bytes_max: usize = 2 << 20,
    /// Open files, streams and other handles.
    #[schemars(range(min = 1, max = 1_000_000))]
    handles_max: usize = 1_024,
    /// Webhook signatures that the call may verify with `webhook_keys`.
    #[schemars(range(min = 0, max = 10_000))]
    signatures_max: u32 = 20,
    /// Actions on conversations that the call may ask for.
    #[schemars(range(min = 0, max = 1_000))]
    actions_max: usize = 10,
    /// Outbound requests, including rejected ones.
    #[schemars(range(min = 0, max = 1_000_000))]
    outbound_requests_max: u32 = 20,
    /// Concurrent outbound requests. Further requests wait.
    #[schemars(range(min = 1, max = 1_000))]
    outbound_concurrent_max: u32 = 4,
    /// Size of a request's body in bytes. `http-client` passes a request as a whole, so `answer_bytes_max` applies too.
    #[schemars(range(min = 0, max = 1 << 30))]
    outbound_request_bytes_max: usize = 1 << 20,
    /// Size in bytes of a request's body when the gateway streams files of channels' messages.
    #[schemars(range(min = 0, max = 1 << 30))]
    outbound_file_bytes_max: usize = 25 << 20,
    /// Size of a response's body in bytes.
    #[schemars(range(min = 0, max = 1 << 30))]
    outbound_response_bytes_max: usize = 1 << 20,
    /// Timeout of a connection attempt, including name resolution and TLS.
    #[schemars(range(min = 1, max = 86_400_000))]
    outbound_connect_timeout_ms: u64 = 2_000,
    /// Timeout of a request. The end of the call can be earlier.
    #[schemars(range(min = 1, max = 86_400_000))]
    outbound_timeout_ms: u64 = 3_000,
}

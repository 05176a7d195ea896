//! Estimates the memory behind the handles of one call.
//!
//! The gateway holds this memory on behalf of the plugin, in addition to the plugin's linear memory. A call beyond
//! `host_memory_bytes_max` is ended.

use std::any::Any;

use wasmtime::component::ResourceTable;
use wasmtime_wasi::filesystem::Descriptor;
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, ReaddirIterator, TcpSocket, UdpSocket};
use wasmtime_wasi_http::FieldMap;
use wasmtime_wasi_http::p2::bindings::http::types::Method;
use wasmtime_wasi_http::p2::body::{HostIncomingBody, HostOutgoingBody};
use wasmtime_wasi_http::p2::types::{
    HostFutureIncomingResponse, HostIncomingResponse, HostOutgoingRequest, HostOutgoingResponse,
};

/// Number of host calls between two checks. A host call transfers at most `answer_bytes_max`, so a call exceeds the
/// limit by at most `CHECK_INTERVAL` times that size.
pub(super) const CHECK_INTERVAL: u32 = 4;

/// Bytes of any handle.
const HANDLE: usize = 256;
/// Bytes of a header, in addition to its name and value.
const HEADER: usize = 64;
/// Bytes of the buffer of a stream or body.
const PIECE: usize = 64 * 1024;
/// Bytes of an open file, folder or socket, including kernel memory.
const DESCRIPTOR: usize = 4 * 1024;
/// Bytes of a folder listing: `ENTRIES_MAX` entries (see `imports/files.rs`) with short names.
const LISTING: usize = 1024 * 1024;

/// Estimates the bytes behind all handles.
pub(super) fn held(table: &mut ResourceTable) -> usize {
    table.iter_mut().map(|entry| HANDLE + weight(entry)).sum()
}

fn weight(entry: &(dyn Any + Send)) -> usize {
    if let Some(map) = entry.downcast_ref::<FieldMap>() {
        return fields(map);
    }
    if let Some(request) = entry.downcast_ref::<HostOutgoingRequest>() {
        let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let method = if let Method::Other(name) = &request.method { name.len() } else { 0 };
        return fields(&request.headers) + text(&request.authority) + text(&request.path_with_query) + method;
    }
    if let Some(response) = entry.downcast_ref::<HostIncomingResponse>() {
        return fields(&response.headers) + PIECE;
    }
    if let Some(response) = entry.downcast_ref::<HostOutgoingResponse>() {
        return fields(&response.headers);
    }
    if entry.is::<ReaddirIterator>() {
        return LISTING;
    }
    if entry.is::<Descriptor>() || entry.is::<TcpSocket>() || entry.is::<UdpSocket>() {
        return DESCRIPTOR;
    }
    let has_buffer = entry.is::<DynInputStream>()
        || entry.is::<DynOutputStream>()
        || entry.is::<HostIncomingBody>()
        || entry.is::<HostOutgoingBody>()
        || entry.is::<HostFutureIncomingResponse>();
    if has_buffer { PIECE } else { 0 }
}

/// Estimates the bytes of headers. Counts copies in full, although copies share entries until one of them is changed.
fn fields(map: &FieldMap) -> usize {
    map.iter().map(|(name, value)| HEADER + name.as_str().len() + value.len()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_behind_a_handle_counts_until_the_handle_is_dropped() {
        let mut table = ResourceTable::new();
        let method = Method::Other("X".repeat(100_000));
        let request = HostOutgoingRequest {
            method,
            scheme: None,
            authority: None,
            path_with_query: None,
            headers: FieldMap::default(),
            body: None,
        };
        let handle = table.push(request).expect("room");
        assert_eq!(held(&mut table), HANDLE + 100_000);
        drop(table.delete(handle).expect("it is there"));
        assert_eq!(held(&mut table), 0);
    }
}

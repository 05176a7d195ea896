//! What the gateway holds in memory on behalf of one call, beside the plugin's own memories: everything that the
//! plugin has a handle of. Looked at now and then while the call runs, and refused past its limit.

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

/// Host calls between two looks. One call hands over `answer_bytes_max` at most, so that the limit is passed by
/// no more than this many times that.
pub(super) const LOOK_CALLS: u32 = 4;

/// A handle, whatever it stands for.
const HANDLE: usize = 256;
/// A header's entry beside its name and value.
const HEADER: usize = 64;
/// A stream or body holds one piece of this size.
const PIECE: usize = 64 * 1024;
/// An open file or folder, or a socket, with what the kernel holds for it.
const DESCRIPTOR: usize = 4 * 1024;
/// The entries of a listed folder: `ENTRIES_MAX` in `imports/files.rs`, with short names.
const LISTING: usize = 1024 * 1024;

/// Bytes behind all handles.
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
    let holds_a_piece = entry.is::<DynInputStream>()
        || entry.is::<DynOutputStream>()
        || entry.is::<HostIncomingBody>()
        || entry.is::<HostOutgoingBody>()
        || entry.is::<HostFutureIncomingResponse>();
    if holds_a_piece { PIECE } else { 0 }
}

/// Copies that share their entries count each for itself: which of them will be changed is not known.
fn fields(map: &FieldMap) -> usize {
    map.iter().map(|(name, value)| HEADER + name.as_str().len() + value.len()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_behind_a_handle_is_counted_until_it_is_dropped() {
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

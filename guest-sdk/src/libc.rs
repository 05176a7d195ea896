//! Replaces three functions of libc: printed text goes to the gateway's log, and the environment is empty, as it is for
//! every plugin. libc's own versions import nineteen functions of WASI through two more core modules, which each call
//! would have to set up only for the text of a panic.
#![expect(unsafe_code, reason = "libc's functions take pointers")]

use std::ffi::{c_char, c_int};
use std::ptr;
use std::slice;
use std::sync::{Mutex, PoisonError};

use crate::log::{self, Level};

const STDOUT: c_int = 1;
const STDERR: c_int = 2;

/// The longest logged line, in bytes. The rest of a longer line is dropped.
const LINE_BYTES_MAX: usize = 16 * 1024;

/// Incomplete lines of standard output and standard error.
static LINES: Mutex<[Vec<u8>; 2]> = Mutex::new([Vec::new(), Vec::new()]);

#[repr(C)]
struct IoVec {
    bytes: *const u8,
    count: usize,
}

#[unsafe(no_mangle)]
extern "C" fn getenv(_: *const c_char) -> *const c_char {
    ptr::null()
}

#[unsafe(no_mangle)]
unsafe extern "C" fn write(descriptor: c_int, bytes: *const u8, count: usize) -> isize {
    // SAFETY: the caller upholds the contract of `write`.
    unsafe { writev(descriptor, &IoVec { bytes, count }, 1) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn writev(descriptor: c_int, pieces: *const IoVec, count: c_int) -> isize {
    let (unfinished, level) = match descriptor {
        STDOUT => (0, Level::Info),
        STDERR => (1, Level::Warn),
        // Plugins can only read files.
        _ => return -1,
    };
    // SAFETY: the caller upholds the contract of `writev`.
    let pieces = unsafe { slice::from_raw_parts(pieces, usize::try_from(count).unwrap_or(0)) };
    let mut lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
    let line = &mut lines[unfinished];
    for piece in pieces.iter().filter(|piece| piece.count > 0) {
        // SAFETY: the caller upholds the contract of `writev`.
        print(line, level, unsafe { slice::from_raw_parts(piece.bytes, piece.count) });
    }
    pieces.iter().map(|piece| piece.count).sum::<usize>().cast_signed()
}

/// Logs the lines that end in these bytes.
fn print(line: &mut Vec<u8>, level: Level, bytes: &[u8]) {
    for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
        line.extend_from_slice(piece);
        if piece.ends_with(b"\n") || line.len() >= LINE_BYTES_MAX {
            let text = String::from_utf8_lossy(line);
            if !text.trim_end().is_empty() {
                log::write(level, text.trim_end());
            }
            drop(text);
            line.clear();
        }
    }
}

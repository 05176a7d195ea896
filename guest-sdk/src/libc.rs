//! Three functions in place of libc's own: what is printed goes into the log, and the environment is empty, as it is
//! for every plugin. Behind libc's there are nineteen imports of WASI and two core modules that tie them to the
//! plugin, which every call of every plugin would have to set up, for the text of a panic.
#![expect(unsafe_code, reason = "libc's functions take pointers")]

use std::ffi::{c_char, c_int};
use std::ptr;
use std::slice;
use std::sync::{Mutex, PoisonError};

use crate::log::{self, Level};

const STDOUT: c_int = 1;
const STDERR: c_int = 2;

/// What has no end yet is a line all the same when it is that long.
const LINE_BYTES_MAX: usize = 16 * 1024;

/// The unfinished lines of standard output and standard error.
static LINES: Mutex<[Vec<u8>; 2]> = Mutex::new([Vec::new(), Vec::new()]);

#[repr(C)]
struct Piece {
    bytes: *const u8,
    count: usize,
}

#[unsafe(no_mangle)]
extern "C" fn getenv(_: *const c_char) -> *const c_char {
    ptr::null()
}

#[unsafe(no_mangle)]
unsafe extern "C" fn write(descriptor: c_int, bytes: *const u8, count: usize) -> isize {
    // SAFETY: the caller's own promise.
    unsafe { writev(descriptor, &Piece { bytes, count }, 1) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn writev(descriptor: c_int, pieces: *const Piece, count: c_int) -> isize {
    let (unfinished, level) = match descriptor {
        STDOUT => (0, Level::Info),
        STDERR => (1, Level::Warn),
        // A plugin has files to read only.
        _ => return -1,
    };
    // SAFETY: the caller's own promise.
    let pieces = unsafe { slice::from_raw_parts(pieces, usize::try_from(count).unwrap_or(0)) };
    let mut lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
    let line = &mut lines[unfinished];
    for piece in pieces.iter().filter(|piece| piece.count > 0) {
        // SAFETY: the caller's own promise.
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

use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};

use super::*;

/// A writer that signals the start of each write, and blocks until it is released.
struct Reader {
    begun: Sender<Vec<u8>>,
    release: Receiver<()>,
}

impl Write for Reader {
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        self.begun.send(lines.to_vec()).map_err(io::Error::other)?;
        self.release.recv().map_err(io::Error::other)?;
        Ok(lines.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A log whose first line is being written to a blocked reader.
struct Hanging {
    lines: Lines,
    guard: Guard,
    writes: Receiver<Vec<u8>>,
    wake: Sender<()>,
}

fn hanging(buffer_bytes_max: usize) -> Hanging {
    let (begun, writes) = channel();
    let (wake, release) = channel();
    let shared = Arc::new(Shared { waiting: Mutex::default(), changed: Condvar::new(), buffer_bytes_max });
    let writing = Arc::clone(&shared);
    thread::spawn(move || writing.write_all(Reader { begun, release }));
    shared.push(b"first\n");
    assert_eq!(writes.recv().expect("a write"), b"first\n");
    Hanging { lines: Lines(Arc::clone(&shared)), guard: Guard(shared), writes, wake }
}

#[test]
fn lines_beyond_the_buffer_are_dropped_and_counted() {
    let before = METRICS.log_dropped.get();
    let Hanging { lines, guard: _guard, writes, wake } = hanging(10);
    for line in ["1234\n", "5678\n", "9\n", "10\n"] {
        lines.push(line.as_bytes());
    }
    wake.send(()).expect("a reader");
    assert_eq!(writes.recv().expect("a write"), b"1234\n5678\n");
    // The buffer has room again.
    lines.push(b"11\n");
    wake.send(()).expect("a reader");
    assert_eq!(writes.recv().expect("a write"), b"11\n");
    // No other test of this process drops lines.
    assert_eq!(METRICS.log_dropped.get() - before, 2);
}

#[test]
fn a_hanging_reader_blocks_neither_callers_nor_the_end_of_the_process() {
    let Hanging { lines, guard, writes, wake, .. } = hanging(1_000);
    let (done, ended) = channel();
    thread::spawn(move || {
        for _ in 0..1_000 {
            lines.push(b"line\n");
        }
        drop(guard);
        done.send(()).expect("a waiting test");
    });
    ended.recv_timeout(LAST_LINES * 30).expect("an end in time");
    assert!(writes.try_recv().is_err(), "the reader is not blocked");
    drop(wake);
}

#[test]
fn the_last_lines_are_written_before_the_end() {
    let (begun, writes) = channel();
    let (wake, release) = channel();
    let (lines, guard) = start(Reader { begun, release }, 1_000).expect("a thread");
    for line in ["one\n", "two\n", "three\n"] {
        lines.push(line.as_bytes());
        wake.send(()).expect("a reader");
    }
    drop(guard);
    assert_eq!(writes.try_iter().flatten().collect::<Vec<u8>>(), b"one\ntwo\nthree\n");
}

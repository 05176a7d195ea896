//! Runs a command of the program on a terminal, for prompts.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::program;

const TIMEOUT: Duration = Duration::from_secs(60);

/// A command whose input and output are a pseudo-terminal.
pub struct Terminal {
    child: Child,
    keyboard: File,
    screen: Receiver<Vec<u8>>,
    shown: String,
}

impl Terminal {
    /// Starts a command in a folder.
    pub fn start(folder: &Path, arguments: &[&str]) -> Self {
        let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a pseudo-terminal");
        grantpt(&controller).and_then(|()| unlockpt(&controller)).expect("a pseudo-terminal");
        let name = ptsname(&controller, Vec::new()).expect("its name").into_string().expect("an ASCII name");
        let device = || OpenOptions::new().read(true).write(true).open(&name).expect("the terminal's device");
        let mut command = Command::new(program());
        command.args(arguments).current_dir(folder).stdin(device()).stdout(device()).stderr(device());
        let child = command.spawn().expect("the program starts");
        // The terminal ends when no process has its device open: this command has descriptors, too.
        drop(command);
        let keyboard = File::from(controller);
        let (mut reader, (sender, screen)) = (keyboard.try_clone().expect("a descriptor"), channel());
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = reader.read(&mut bytes) {
                if sender.send(bytes[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self { child, keyboard, screen, shown: String::new() }
    }

    /// Waits until the screen contains a text.
    ///
    /// # Panics
    ///
    /// Panics if the command ends first, or after one minute.
    pub fn wait_for(&mut self, text: &str) {
        let deadline = Instant::now() + TIMEOUT;
        while !self.shown.contains(text) {
            let bytes = self.screen.recv_timeout(deadline.saturating_duration_since(Instant::now()));
            let bytes = bytes.unwrap_or_else(|_| panic!("`{text}` is not on the screen: {}", self.shown));
            self.shown += &String::from_utf8_lossy(&bytes);
        }
    }

    /// Types a line.
    pub fn enter(&mut self, line: &str) {
        self.keyboard.write_all(format!("{line}\n").as_bytes()).expect("the terminal is open");
    }

    /// Waits until the command has ended. Returns its exit code and the screen.
    pub fn finish(mut self) -> (Option<i32>, String) {
        let deadline = Instant::now() + TIMEOUT;
        while let Ok(bytes) = self.screen.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            self.shown += &String::from_utf8_lossy(&bytes);
        }
        let status = self.child.wait().expect("a child of this process");
        (status.code(), std::mem::take(&mut self.shown))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

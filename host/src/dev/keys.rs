//! Reads the author's commands. Each command is a line, so that every terminal works.

use tokio::io::{AsyncBufReadExt as _, BufReader, Lines, Stdin};

/// A command of the author.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// Repeats the target.
    Repeat,
    /// Selects a case as the target.
    Case(String),
    /// Selects the last callback as the target.
    Callback,
    /// Ends the program.
    Quit,
}

/// Reader of commands from standard input.
pub(super) struct Keys(Option<Lines<BufReader<Stdin>>>);

impl Keys {
    pub(super) fn read() -> Self {
        Self(Some(BufReader::new(tokio::io::stdin()).lines()))
    }

    /// Creates an input that never yields a command.
    pub(super) fn closed() -> Self {
        Self(None)
    }

    /// Returns the next command; `None` at the end of input. For [`Keys::closed`], never returns.
    pub(super) async fn next(&mut self) -> Option<Key> {
        let Some(lines) = &mut self.0 else { return std::future::pending().await };
        let line = lines.next_line().await.ok()??;
        Some(match line.trim() {
            "" => Key::Repeat,
            "q" => Key::Quit,
            "c" => Key::Callback,
            name => Key::Case(name.trim_end_matches(".json").to_owned()),
        })
    }
}

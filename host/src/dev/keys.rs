//! Reads the author's commands, one per line, so that every terminal works.

use tokio::io::{AsyncBufReadExt as _, BufReader, Lines, Stdin};

/// A command.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// Repeat the target.
    Repeat,
    /// Make this case the target.
    Case(String),
    /// Make the last callback the target.
    Callback,
    /// End the program.
    Quit,
}

/// Lines of standard input.
pub(super) struct Keys(Option<Lines<BufReader<Stdin>>>);

impl Keys {
    pub(super) fn read() -> Self {
        Self(Some(BufReader::new(tokio::io::stdin()).lines()))
    }

    /// An input that never yields a command.
    pub(super) fn closed() -> Self {
        Self(None)
    }

    /// The next command; `None` at the end of input. Never returns on a closed input.
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

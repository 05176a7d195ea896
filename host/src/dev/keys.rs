//! What the author types: a line at a time, so that any terminal will do.

use tokio::io::{AsyncBufReadExt as _, BufReader, Lines, Stdin};

/// What is wanted.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// Ask again.
    Again,
    /// Ask this case from now on.
    Case(String),
    /// Ask the last callback from now on.
    Callback,
    /// The end.
    Quit,
}

/// Lines of standard input.
pub(super) struct Keys(Option<Lines<BufReader<Stdin>>>);

impl Keys {
    pub(super) fn read() -> Self {
        Self(Some(BufReader::new(tokio::io::stdin()).lines()))
    }

    /// Nobody types any more.
    pub(super) fn none() -> Self {
        Self(None)
    }

    /// The next one; none at the end of input, and never where nobody types.
    pub(super) async fn next(&mut self) -> Option<Key> {
        let Some(lines) = &mut self.0 else { return std::future::pending().await };
        let line = lines.next_line().await.ok()??;
        Some(match line.trim() {
            "" => Key::Again,
            "q" => Key::Quit,
            "c" => Key::Callback,
            name => Key::Case(name.trim_end_matches(".json").to_owned()),
        })
    }
}

//! A fenced block of a page, and what becomes of it.

/// What becomes of a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// Commands.
    Shell(Expected),
    /// A command that goes on.
    Background,
    /// What the commands before have written.
    Output,
    /// What that which goes on has written.
    BackgroundOutput,
    /// A file, by its name.
    File(String),
    /// Has to be JSON.
    Json,
    /// Has to be TOML.
    Toml,
    /// A part of the contract.
    Contract,
    /// A picture.
    Picture,
    /// Nothing is done with it.
    NotRun,
}

/// How commands end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    Success,
    Failure,
}

/// One block.
#[derive(Debug)]
pub(super) struct Block {
    /// Page and line, for whoever has to mend it.
    pub(super) place: String,
    pub(super) kind: Kind,
    pub(super) text: String,
}

impl Block {
    /// The blocks of a page, in their order.
    pub(super) fn all(page: &str, text: &str) -> Vec<Self> {
        let mut blocks = Vec::new();
        let mut lines = text.lines().enumerate();
        let mut before = "";
        while let Some((at, line)) = lines.next() {
            let Some(fence) = line.strip_prefix("```") else {
                before = if line.is_empty() { before } else { line };
                continue;
            };
            let place = format!("docs/{page}:{}", at + 1);
            let kind = kind(fence).unwrap_or_else(|| panic!("{place}: nobody knows what to do with a block `{fence}`"));
            if let Kind::File(name) = &kind {
                // A fence is not seen on a rendered page.
                assert_eq!(before, format!("**{name}**"), "{place}: the line before the block names the file");
            }
            before = "";
            let inside = lines.by_ref().map(|(_, line)| line).take_while(|line| !line.starts_with("```"));
            let text = inside.map(|line| format!("{line}\n")).collect();
            blocks.push(Self { place, kind, text });
        }
        blocks
    }
}

fn kind(fence: &str) -> Option<Kind> {
    let words: Vec<&str> = fence.split_whitespace().collect();
    Some(match words.as_slice() {
        [_, "not-run"] => Kind::NotRun,
        ["sh"] => Kind::Shell(Expected::Success),
        ["sh", "fails"] => Kind::Shell(Expected::Failure),
        ["sh", "background"] => Kind::Background,
        ["output"] => Kind::Output,
        ["output", "background"] => Kind::BackgroundOutput,
        ["json"] => Kind::Json,
        ["toml"] => Kind::Toml,
        ["wit"] => Kind::Contract,
        ["text"] => Kind::Picture,
        ["json" | "toml" | "wit" | "rust" | "js" | "ts" | "python" | "c" | "go" | "sh" | "xml", file]
            if file.contains('.') =>
        {
            Kind::File((*file).to_owned())
        }
        _ => return None,
    })
}

#[test]
fn a_fence_says_what_becomes_of_its_block() {
    let text = "a\n```sh\nls\n```\n\n**cases/a.json**\n\n```json cases/a.json\n{}\n```\n```sh fails\nfalse\n```\n";
    let kinds: Vec<Kind> = Block::all("page", text).into_iter().map(|block| block.kind).collect();
    let file = Kind::File("cases/a.json".to_owned());
    assert_eq!(kinds, [Kind::Shell(Expected::Success), file, Kind::Shell(Expected::Failure)]);
    for fence in ["", "console", "rust", "sh loudly", "js"] {
        assert_eq!(kind(fence), None, "{fence}");
    }
}

#[test]
#[should_panic(expected = "names the file")]
fn a_file_is_named_where_a_reader_sees_it() {
    Block::all("page", "Write this:\n\n```json a.json\n{}\n```\n");
}

//! Parses the fenced blocks of a page, and determines how each is tested.

/// How a block is tested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// Commands to run.
    Shell(Expected),
    /// A command that runs in the background.
    Background,
    /// Expected output of the previous commands.
    Output,
    /// Expected output of the background program.
    BackgroundOutput,
    /// A file to write, with its name.
    File(String),
    /// A text that must be valid JSON.
    Json,
    /// A text that must be valid TOML.
    Toml,
    /// A text that must occur in the contract.
    Contract,
    /// A diagram, which is not tested.
    Diagram,
    /// A block that is not tested.
    NotRun,
}

/// The expected exit status of commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    Success,
    Failure,
}

/// A block of a page.
#[derive(Debug)]
pub(super) struct Block {
    /// The page and line, for error messages.
    pub(super) place: String,
    pub(super) kind: Kind,
    pub(super) text: String,
}

impl Block {
    /// Returns the blocks of a page in order.
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
            let kind = kind(fence).unwrap_or_else(|| panic!("{place}: unknown kind of block `{fence}`"));
            if let Kind::File(name) = &kind {
                // The fence is invisible on a rendered page, so the text must name the file.
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
        ["text"] => Kind::Diagram,
        ["json" | "toml" | "wit" | "rust" | "js" | "ts" | "python" | "c" | "go" | "sh" | "xml", file]
            if file.contains('.') =>
        {
            Kind::File((*file).to_owned())
        }
        _ => return None,
    })
}

#[test]
fn a_fence_determines_how_its_block_is_tested() {
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
fn the_line_before_a_block_names_its_file() {
    Block::all("page", "Write this:\n\n```json a.json\n{}\n```\n");
}

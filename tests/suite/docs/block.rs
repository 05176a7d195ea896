//! A fenced block of a page, and how it is tested.

/// How a block is tested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// Commands to run.
    Shell(Expected),
    /// A command that keeps running.
    Background,
    /// Expected output of the commands before.
    Output,
    /// Expected output of the background program.
    BackgroundOutput,
    /// A file to write, by its name.
    File(String),
    /// Must be JSON.
    Json,
    /// Must be TOML.
    Toml,
    /// Must occur in the contract.
    Contract,
    /// A diagram.
    Diagram,
    /// Not tested.
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
    /// Page and line, for error messages.
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
            let kind = kind(fence).unwrap_or_else(|| panic!("{place}: unknown kind of block `{fence}`"));
            if let Kind::File(name) = &kind {
                // The fence is invisible on a rendered page.
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

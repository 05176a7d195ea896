//! Builds the example plugins in their folders, as their authors would, optionally with a mistake in the source.

mod planted;

use std::fmt;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use parking_lot::Mutex;
use tempfile::TempDir;

pub use self::planted::Mistake;
use crate::{SmallCrm, digest, languages_path, program, root, target};

/// A language, and the adapter for the small CRM in that language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Example {
    /// `examples/rust`
    Rust,
    /// `examples/python`
    Python,
    /// `examples/javascript`
    JavaScript,
    /// `examples/typescript`
    TypeScript,
    /// `examples/c`
    C,
    /// `examples/go`
    Go,
}

/// A replacement in a copy of an example's source.
#[derive(Debug, Clone, Copy)]
pub struct Edit {
    /// The path of the file in the example's folder.
    pub file: &'static str,
    /// The text to replace, which occurs once.
    pub from: &'static str,
    /// The replacement.
    pub to: &'static str,
}

/// Allows one build at a time: builds of one example share a folder, and all builds share the processors.
static BUILDING: Mutex<()> = Mutex::new(());

/// Names of build artifacts, which are never copied.
const ARTIFACTS: [&str; 8] = ["target", "node_modules", ".venv", ".tools", "gen", "build", "__pycache__", "crm.wasm"];

impl Example {
    /// All examples.
    pub const ALL: [Self; 6] = [Self::Rust, Self::Python, Self::JavaScript, Self::TypeScript, Self::C, Self::Go];

    /// Returns the example's folder in the repository.
    pub fn folder(self) -> PathBuf {
        root().join("examples").join(self.to_string())
    }

    /// Builds the plugin with `./build.sh`.
    pub fn build(self) -> Vec<u8> {
        self.build_with(&[])
    }

    /// Builds the plugin with changed sources, or returns an earlier build of the same sources. Panics if a text to
    /// replace is missing or the build fails.
    pub fn build_with(self, edits: &[Edit]) -> Vec<u8> {
        let _turn = BUILDING.lock();
        let workspace = target().join("examples").join(self.to_string());
        let sources = self.prepare(&workspace);
        for edit in edits {
            let path = workspace.join(edit.file);
            let text = fs::read_to_string(&path).expect("a source");
            assert_eq!(text.matches(edit.from).count(), 1, "{self}: {:?} in {}", edit.from, edit.file);
            fs::write(&path, text.replace(edit.from, edit.to)).expect("a file");
        }
        let kept =
            target().join("examples/built").join(format!("{self}-{}.wasm", self.fingerprint(&workspace, &sources)));
        if let Ok(plugin) = fs::read(&kept) {
            return plugin;
        }
        self.run(&workspace);
        let plugin = fs::read(workspace.join("crm.wasm")).expect("build.sh leaves a plugin");
        fs::create_dir_all(kept.parent().expect("a folder")).expect("a folder");
        fs::write(kept, &plugin).expect("a file");
        plugin
    }

    /// Runs `frontgate plugin test` on a built plugin, with a running CRM and additional arguments.
    pub fn test(self, plugin: &[u8], crm: &SmallCrm, arguments: &[&str]) -> Output {
        self.test_cases(plugin, &self.folder().join("cases"), crm, arguments)
    }

    /// Runs `frontgate plugin test` like [`Example::test`], with the cases of another folder.
    pub fn test_cases(self, plugin: &[u8], cases: &Path, crm: &SmallCrm, arguments: &[&str]) -> Output {
        let folder = TempDir::new().expect("a folder");
        let own = fs::read_to_string(self.folder().join("plugin.toml")).expect("plugin.toml");
        let lines = own.lines().filter(|line| !line.starts_with("command ="));
        let own: String =
            lines.map(|line| format!("{}\n", line.replace("http://127.0.0.1:4010", &crm.url()))).collect();
        assert!(own.contains(&crm.url()), "{own}");
        fs::write(folder.path().join("plugin.toml"), own).expect("a file");
        fs::write(folder.path().join("crm.wasm"), plugin).expect("a file");
        symlink(cases, folder.path().join("cases")).expect("a link");
        let mut command = Command::new(program());
        command.args(["plugin", "test"]).arg(folder.path()).args(arguments).current_dir(folder.path());
        command.env("XDG_CACHE_HOME", target().join("test-cache")).output().expect("the program starts")
    }

    /// Copies the project's folder. Files installed by earlier builds are kept.
    fn prepare(self, workspace: &Path) -> Vec<PathBuf> {
        clear(workspace);
        let mut sources = Vec::new();
        list(&self.folder(), Path::new(""), &mut sources);
        for path in &sources {
            let copy = workspace.join(path);
            fs::create_dir_all(copy.parent().expect("a folder")).expect("a folder");
            fs::copy(self.folder().join(path), copy).expect("a file");
        }
        if self == Self::Rust {
            let manifest = workspace.join("Cargo.toml");
            let text = fs::read_to_string(&manifest).expect("a manifest");
            let sdk = format!("{:?}", root().join("guest-sdk"));
            fs::write(manifest, text.replace("\"../../guest-sdk\"", &sdk)).expect("a file");
        }
        sources
    }

    /// Returns a digest of the sources. Test cases are excluded, since they do not affect the build.
    fn fingerprint(self, workspace: &Path, sources: &[PathBuf]) -> String {
        let mut all = Vec::new();
        let mut add = |folder: &Path, path: &Path| {
            let text = fs::read(folder.join(path)).expect("a source");
            all.extend(format!("{} {}\n", path.display(), text.len()).into_bytes());
            all.extend(text);
        };
        sources.iter().filter(|path| !path.starts_with("cases")).for_each(|path| add(workspace, path));
        if self == Self::Rust {
            let mut sdk = Vec::new();
            ["guest-sdk", "wit"].iter().for_each(|folder| list(root(), Path::new(folder), &mut sdk));
            sdk.iter().for_each(|path| add(root(), path));
        }
        digest(&all)
    }

    fn run(self, workspace: &Path) {
        let build = Command::new("./build.sh")
            .current_dir(workspace)
            .env("FRONTGATE", std::env::var_os("FRONTGATE").unwrap_or_else(|| program().into()))
            .env("PATH", languages_path())
            .env_remove("CARGO_TARGET_DIR")
            .stdin(Stdio::null())
            .output()
            .expect("build.sh can be run");
        let [out, err] = [build.stdout, build.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        assert!(build.status.success(), "examples/{self}/build.sh failed:\n{out}{err}");
    }
}

/// Formats an example as the name of its folder.
impl fmt::Display for Example {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Rust => "rust",
            Self::Python => "python",
            Self::JavaScript => "javascript",
            Self::TypeScript => "typescript",
            Self::C => "c",
            Self::Go => "go",
        })
    }
}

/// Removes everything but build artifacts.
fn clear(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let is_artifact = ARTIFACTS.iter().any(|name| entry.file_name() == *name);
        let removed = match path.is_dir() {
            _ if is_artifact => Ok(()),
            true => fs::remove_dir_all(path),
            false => fs::remove_file(path),
        };
        removed.expect("the folder is the tests' own");
    }
}

/// Lists the files in a folder and its subfolders in a stable order, following links.
fn list(root: &Path, below: &Path, files: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(root.join(below)).expect("a folder").flatten().map(|entry| entry.file_name());
    let mut names: Vec<_> = entries.filter(|name| ARTIFACTS.iter().all(|artifact| name != artifact)).collect();
    names.sort();
    for path in names.into_iter().map(|name| below.join(name)) {
        match root.join(&path).is_dir() {
            true => list(root, &path, files),
            false => files.push(path),
        }
    }
}

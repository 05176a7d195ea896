//! Files that pages refer to. Their addresses contain a digest of the content, so browsers may keep them forever.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::LazyLock;

/// A file.
#[derive(Debug)]
pub struct Asset {
    /// Path below the console's root.
    pub path: String,
    /// Media type.
    pub media_type: &'static str,
    /// Content.
    pub content: &'static str,
}

impl Asset {
    fn new(name: &str, extension: &str, media_type: &'static str, content: &'static str) -> Self {
        let mut hasher = DefaultHasher::new();
        content.hash(&mut hasher);
        Self { path: format!("/assets/{name}-{:016x}.{extension}", hasher.finish()), media_type, content }
    }
}

/// The style sheet.
pub static STYLE: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("console", "css", "text/css; charset=utf-8", include_str!("../assets/console.css")));

/// The console's own script.
pub static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("console", "js", "text/javascript; charset=utf-8", include_str!("../assets/console.js"))
});

/// htmx 4.0.1 (Zero-Clause BSD): requests from attributes, and changes of a page without a flash.
pub static HTMX: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("htmx", "js", "text/javascript; charset=utf-8", include_str!("../assets/htmx.min.js")));

/// Returns the file at a path.
pub fn find(path: &str) -> Option<&'static Asset> {
    [&*STYLE, &*SCRIPT, &*HTMX].into_iter().find(|asset| asset.path == path)
}

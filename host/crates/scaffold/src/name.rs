//! A project's name: it becomes a folder, a file, a package of its language, and the plugin's name in
//! `config.toml`.

use anyhow::bail;

/// Longer ones are no help to anybody.
const LENGTH_MAX: usize = 64;

/// What a project cannot be called, since its language, its tools or its own parts are called so.
const TAKEN: [&str; 52] = [
    "abstract",
    "alloc",
    "as",
    "async",
    "await",
    "become",
    "box",
    "break",
    "componentize-py",
    "componentize-qjs",
    "const",
    "continue",
    "core",
    "crate",
    "do",
    "dyn",
    "else",
    "enum",
    "extern",
    "final",
    "fn",
    "for",
    "frontgate-sdk",
    "gen",
    "if",
    "impl",
    "in",
    "let",
    "loop",
    "macro",
    "match",
    "mod",
    "move",
    "override",
    "priv",
    "proc-macro",
    "pub",
    "ref",
    "return",
    "self",
    "static",
    "std",
    "struct",
    "super",
    "test",
    "trait",
    "try",
    "type",
    "typescript",
    "unsafe",
    "use",
    "where",
];

/// Refuses a name that would not work in every place.
pub(super) fn check(name: &str) -> anyhow::Result<()> {
    let word = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    let letter = name.starts_with(|c: char| c.is_ascii_lowercase());
    if !letter || !name.split('-').all(word) || name.len() > LENGTH_MAX {
        bail!(
            "`{name}` cannot be a plugin's name: small letters a to z, digits, and single hyphens between them, \
             beginning with a letter, at most {LENGTH_MAX} of them, such as `acme-crm`"
        );
    }
    if TAKEN.contains(&name) {
        bail!("`{name}` cannot be a plugin's name: it means something else to compilers; `{name}-plugin` would do");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_work_everywhere() {
        for name in ["crm", "acme-crm", "a1", "hubspot-2-crm"] {
            assert!(check(name).is_ok(), "{name}");
        }
        let long = "a".repeat(65);
        for name in
            ["", "Acme", "acme_crm", "acme--crm", "-a", "a-", "1a", "a/b", "../a", "a.b", "zoë", "test", "match", &long]
        {
            assert!(check(name).is_err(), "{name}");
        }
    }
}

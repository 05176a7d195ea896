//! Checks a project's name, which is also the name of a folder, a file, a package and the plugin in `config.toml`.

use anyhow::bail;

/// Maximum number of characters in a name.
const LENGTH_MAX: usize = 64;

/// Names reserved by languages, by their tools, or for parts of a project.
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

/// Checks that a name is valid as a folder, file, package and plugin name.
pub(super) fn check(name: &str) -> anyhow::Result<()> {
    let word = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    let letter = name.starts_with(|c: char| c.is_ascii_lowercase());
    if !letter || !name.split('-').all(word) || name.len() > LENGTH_MAX {
        bail!(
            "invalid plugin name `{name}`: use lowercase letters a to z, digits and single hyphens, start with a \
             letter, at most {LENGTH_MAX} characters, such as `acme-crm`"
        );
    }
    if TAKEN.contains(&name) {
        bail!("invalid plugin name `{name}`: reserved by compilers; use `{name}-plugin`");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_work_everywhere_are_accepted() {
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

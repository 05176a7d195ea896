//! The marks in a starter's files: what they become, and which lines and files are for which roles.
//!
//! `starter-name` becomes the project's name, `starter_name` the same as an identifier, `starter_roles` the roles.
//! A line that ends with `// @crm` or `# @crm` is for projects with that role, `@crm|routing` for those with one of
//! both. A file that is named after a role is for that role: `crm.py`, `cases/crm-first-page.json`.

use std::collections::BTreeSet;
use std::path::Path;

use super::Role;

/// What openings of comments a line's mark may follow.
const OPENINGS: [&str; 2] = [" // @", " # @"];

/// A project to be.
pub(super) struct Marks<'p> {
    pub(super) name: &'p str,
    pub(super) roles: &'p BTreeSet<Role>,
}

impl Marks<'_> {
    /// Whether the project has this file of the starter.
    pub(super) fn keeps(&self, path: &str) -> bool {
        let path = Path::new(path);
        let folders = path.parent().into_iter().flat_map(Path::components);
        let folders = folders.filter_map(|folder| folder.as_os_str().to_str());
        let stem = path.file_stem().and_then(|stem| stem.to_str());
        let words = folders.chain(stem).filter_map(|name| {
            // Go's packages are named by the generator.
            let name = name.strip_prefix("export_frontgate_plugin_").unwrap_or(name);
            name.split(['-', '.', '_']).next().and_then(Role::named)
        });
        words.into_iter().all(|role| self.roles.contains(&role))
    }

    /// A file of the starter as the project has it.
    pub(super) fn replace(&self, text: &str) -> String {
        let roles: Vec<&str> = self.roles.iter().map(|role| role.name()).collect();
        let lines: String = text.split_inclusive('\n').filter_map(|line| self.line(line)).collect();
        lines
            .replace("starter-name", self.name)
            .replace("starter_name", &self.name.replace('-', "_"))
            .replace("starter_roles", &roles.join(", "))
    }

    fn line(&self, line: &str) -> Option<String> {
        let Some((code, marked)) = OPENINGS.iter().find_map(|opening| line.trim_end().rsplit_once(opening)) else {
            return Some(line.to_owned());
        };
        let Some(roles) = marked.split('|').map(Role::named).collect::<Option<BTreeSet<_>>>() else {
            return Some(line.to_owned());
        };
        (!roles.is_disjoint(self.roles)).then(|| format!("{}\n", code.trim_end()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_has_the_lines_and_files_of_its_roles() {
        let roles = BTreeSet::from([Role::Crm, Role::Routing]);
        let marks = Marks { name: "acme-crm", roles: &roles };
        let text = "# starter-name\nmod a; // @crm\nmod b; // @templates\nc = 1 # @templates|routing\n// see @crm\n";
        assert_eq!(marks.replace(text), "# acme-crm\nmod a;\nc = 1\n// see @crm\n");
        assert_eq!(marks.replace("use starter_name: starter_roles"), "use acme_crm: crm, routing");
        let kept = ["src/crm.rs", "cases/routing-owner.json", "src/customers.py", "build.sh", "src/crm_test.go"];
        assert!(kept.iter().all(|path| marks.keeps(path)));
        let left_out = ["src/templates.rs", "cases/channel-send.json", "src/export_frontgate_plugin_channel/a.go"];
        assert!(!left_out.iter().any(|path| marks.keeps(path)));
    }
}

//! Renders the files of a starter for a project's name and roles.
//!
//! - `starter-name` becomes the project's name, `starter_name` the name as an identifier, `starter_roles` the roles,
//!   `starter_exports` the roles as identifiers.
//! - A line that ends with `// @crm` or `# @crm` is kept for that role, `@crm|routing` for either role,
//!   `@!crm` without that role.
//! - A file named after a role is kept for that role: `crm_source.py`, `cases/crm-source-busy.json`.

use std::collections::BTreeSet;
use std::path::Path;

use super::Role;

/// Text at the start of a marker comment.
const OPENINGS: [&str; 2] = [" // @", " # @"];

/// The values for a starter's placeholders.
pub(super) struct Template<'p> {
    pub(super) name: &'p str,
    pub(super) roles: &'p BTreeSet<Role>,
}

impl Template<'_> {
    /// Returns whether the project contains this file of the starter.
    pub(super) fn includes(&self, path: &str) -> bool {
        let path = Path::new(path);
        let folders = path.parent().into_iter().flat_map(Path::components);
        let folders = folders.filter_map(|folder| folder.as_os_str().to_str());
        let stem = path.file_stem().and_then(|stem| stem.to_str());
        let words = folders.chain(stem).filter_map(|name| {
            // The generator of Go bindings chooses the names of packages.
            let name = name.strip_prefix("export_frontgate_plugin_").unwrap_or(name);
            role_of(name)
        });
        words.into_iter().all(|role| self.roles.contains(&role))
    }

    /// Renders a file.
    pub(super) fn render(&self, text: &str) -> String {
        let roles: Vec<&str> = self.roles.iter().map(|role| role.name()).collect();
        let lines: String = text.split_inclusive('\n').filter_map(|line| self.line(line)).collect();
        lines
            .replace("starter-name", self.name)
            .replace("starter_name", &self.name.replace('-', "_"))
            .replace("starter_roles", &roles.join(", "))
            .replace("starter_exports", &roles.join(", ").replace('-', "_"))
    }

    fn line(&self, line: &str) -> Option<String> {
        let Some((code, marked)) = OPENINGS.iter().find_map(|opening| line.trim_end().rsplit_once(opening)) else {
            return Some(line.to_owned());
        };
        let (is_negated, names) = match marked.strip_prefix('!') {
            Some(names) => (true, names),
            None => (false, marked),
        };
        let Some(roles) = names.split('|').map(Role::named).collect::<Option<BTreeSet<_>>>() else {
            return Some(line.to_owned());
        };
        (roles.is_disjoint(self.roles) == is_negated).then(|| format!("{}\n", code.trim_end()))
    }
}

/// Returns the role that a file is named after: the longest that its name starts with.
fn role_of(name: &str) -> Option<Role> {
    let name = name.replace('_', "-");
    let is_named = |role: &Role| {
        let rest = name.strip_prefix(role.name());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '.']))
    };
    Role::ALL.into_iter().filter(is_named).max_by_key(|role| role.name().len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_contains_the_lines_and_files_of_its_roles() {
        let roles = BTreeSet::from([Role::Crm, Role::Routing]);
        let template = Template { name: "acme-crm", roles: &roles };
        let text = "# starter-name\nmod a; // @crm\nmod b; // @templates\nc = 1 # @templates|routing\n// see @crm\n";
        assert_eq!(template.render(text), "# acme-crm\nmod a;\nc = 1\n// see @crm\n");
        assert_eq!(template.render("use starter_name: starter_roles"), "use acme_crm: crm, routing");
        let kept = ["src/crm.rs", "cases/routing-owner.json", "src/customers.py", "build.sh", "src/crm_test.go"];
        assert!(kept.iter().all(|path| template.includes(path)));
        let left_out = ["src/templates.rs", "cases/channel-send.json", "src/export_frontgate_plugin_channel/a.go"];
        assert!(!left_out.iter().any(|path| template.includes(path)));
    }

    #[test]
    fn a_role_whose_name_starts_with_another_has_files_and_lines_of_its_own() {
        let paths = ["src/crm_source.rs", "cases/crm-source-busy.json", "src/export_frontgate_plugin_crm_source/a.go"];
        for (role, is_source) in [(Role::CrmSource, true), (Role::Crm, false)] {
            let template = Template { name: "acme", roles: &BTreeSet::from([role]) };
            assert!(paths.iter().all(|path| template.includes(path) == is_source), "{role:?}");
            assert_eq!(template.includes("src/crm.rs"), !is_source);
            assert_eq!(template.render("a # @crm-source\n").is_empty(), !is_source);
        }
        let template = Template { name: "acme", roles: &BTreeSet::from([Role::CrmSource]) };
        assert_eq!(template.render("starter_exports, starter_roles"), "crm_source, crm-source");
    }

    #[test]
    fn a_line_can_be_kept_for_projects_without_a_role() {
        let template = Template { name: "acme-crm", roles: &BTreeSet::from([Role::Crm]) };
        assert_eq!(template.render("a = 1 # @!crm\nb = 2 # @!templates\n"), "b = 2\n");
    }
}

//! Login links: each has a code that works once, for a few minutes.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::roles::Role;
use crate::secret;

/// Maximum number of unused links. Beyond it, the oldest ends.
const LINKS_MAX: usize = 100;

/// Characters of a code between two hyphens.
const GROUP: usize = 6;

/// Why a code is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkError {
    /// No link has this code, or the link was used.
    Unknown,
    /// The link is too old.
    Expired,
}

impl LinkError {
    /// Returns the sentence for the person.
    pub fn text(self) -> &'static str {
        match self {
            Self::Unknown => "This link was used already, or is not complete. Run `frontgate console` for a new one.",
            Self::Expired => "This link has expired. Run `frontgate console` for a new one.",
        }
    }
}

/// The person of a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Invited {
    pub(crate) who: String,
    pub(crate) role: Role,
    pub(crate) tenants: Option<Vec<String>>,
}

struct Link {
    digest: String,
    invited: Invited,
    created: Instant,
}

/// The unused links.
#[derive(Default)]
pub(crate) struct Links(Mutex<Vec<Link>>);

impl Links {
    /// Creates a link, and returns its code.
    pub(crate) fn create(&self, invited: Invited) -> String {
        let code = secret::random();
        let mut links = self.0.lock();
        if links.len() >= LINKS_MAX {
            links.remove(0);
        }
        links.push(Link { digest: secret::digest(&code), invited, created: Instant::now() });
        let groups: Vec<&str> =
            (0..code.len()).step_by(GROUP).map(|at| &code[at..code.len().min(at + GROUP)]).collect();
        groups.join("-")
    }

    /// Uses a code. Hyphens, spaces and lower case are accepted, since people type codes.
    pub(crate) fn take(&self, code: &str, longest: Duration) -> Result<Invited, LinkError> {
        let code: String = code.chars().filter(char::is_ascii_alphanumeric).collect();
        let digest = secret::digest(&code.to_ascii_uppercase());
        let mut links = self.0.lock();
        let index = links.iter().position(|link| link.digest == digest).ok_or(LinkError::Unknown)?;
        let link = links.remove(index);
        if link.created.elapsed() > longest {
            return Err(LinkError::Expired);
        }
        Ok(link.invited)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invited() -> Invited {
        Invited { who: "ana".to_owned(), role: Role::Viewer, tenants: None }
    }

    #[test]
    fn a_link_works_once() {
        let links = Links::default();
        let code = links.create(invited());
        assert_eq!(links.take(&code.to_ascii_lowercase(), Duration::MAX), Ok(invited()));
        assert_eq!(links.take(&code, Duration::MAX), Err(LinkError::Unknown));
    }

    #[test]
    fn an_old_link_has_expired() {
        let links = Links::default();
        let code = links.create(invited());
        assert_eq!(links.take(&code, Duration::ZERO), Err(LinkError::Expired));
    }

    #[test]
    fn the_number_of_unused_links_is_limited() {
        let links = Links::default();
        let first = links.create(invited());
        (0..LINKS_MAX).for_each(|_| drop(links.create(invited())));
        assert_eq!(links.take(&first, Duration::MAX), Err(LinkError::Unknown));
    }
}

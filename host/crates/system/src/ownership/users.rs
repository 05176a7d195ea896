//! Users and groups of this machine, read from `/etc/passwd` and `/etc/group`.
//!
//! Directory services (LDAP, SSSD) are not queried: a group that is not listed in these files is treated as shared.

use std::fs;

/// Returns the user ids of a group's members, or `None` if the group or a member is not listed.
pub(super) fn members(gid: u32) -> Option<Vec<u32>> {
    let passwd = fs::read_to_string("/etc/passwd").ok()?;
    let group = fs::read_to_string("/etc/group").ok()?;
    members_in(&passwd, &group, gid)
}

/// Returns a user's name, or `user UID` if the user is not listed.
pub(super) fn user(uid: u32) -> String {
    let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = users(&passwd).find(|(_, id, _)| *id == uid).map(|(name, ..)| name.to_owned());
    name.unwrap_or_else(|| format!("user {uid}"))
}

fn members_in(passwd: &str, group: &str, gid: u32) -> Option<Vec<u32>> {
    let named = group.lines().find_map(|line| {
        let mut fields = line.split(':').skip(2);
        (fields.next()?.parse() == Ok(gid)).then(|| fields.next().unwrap_or_default())
    })?;
    let primary = users(passwd).filter(|(_, _, primary)| *primary == gid).map(|(_, uid, _)| Some(uid));
    let supplementary = named.split(',').map(str::trim).filter(|name| !name.is_empty());
    let supplementary = supplementary.map(|name| users(passwd).find(|user| user.0 == name).map(|(_, uid, _)| uid));
    primary.chain(supplementary).collect()
}

/// Returns the name, user id and primary group of each user.
fn users(passwd: &str) -> impl Iterator<Item = (&str, u32, u32)> {
    passwd.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let mut numbers = fields.skip(1).map(str::parse);
        Some((name, numbers.next()?.ok()?, numbers.next()?.ok()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\nana:x:1000:1000::/home/ana:/bin/sh\n\
                          ben:x:1001:100::/home/ben:/bin/sh\nbad line\n";
    const GROUP: &str = "root:x:0:\nusers:x:100:ana\nana:x:1000:\nstaff:x:50:ana,ben\nghost:x:60:unknown-user\n";

    #[test]
    fn a_private_group_has_one_member() {
        assert_eq!(members_in(PASSWD, GROUP, 1000), Some(vec![1000]));
    }

    #[test]
    fn primary_and_supplementary_members_are_found() {
        assert_eq!(members_in(PASSWD, GROUP, 100), Some(vec![1001, 1000]));
        assert_eq!(members_in(PASSWD, GROUP, 50), Some(vec![1000, 1001]));
    }

    #[test]
    fn an_unlisted_group_or_member_is_unknown() {
        assert_eq!(members_in(PASSWD, GROUP, 2000), None);
        assert_eq!(members_in(PASSWD, GROUP, 60), None);
    }
}

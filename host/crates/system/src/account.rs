//! Names of the machine's accounts.

use std::fs;

/// File with the accounts of the machine. Accounts of a directory service are not in it.
const ACCOUNTS: &str = "/etc/passwd";

/// Returns an account with its name, such as `ana (uid 1000)`, or `uid 1000` if the machine has no name for it.
pub fn described(uid: u32) -> String {
    let accounts = fs::read(ACCOUNTS).unwrap_or_default();
    match name(&String::from_utf8_lossy(&accounts), uid) {
        Some(name) => format!("{name} (uid {uid})"),
        None => format!("uid {uid}"),
    }
}

fn name(accounts: &str, uid: u32) -> Option<&str> {
    accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, number) = (fields.next()?, fields.nth(1)?);
        let is_plain = !name.is_empty() && !name.contains(|other: char| other.is_control());
        (number.parse() == Ok(uid) && is_plain).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_account_of_a_number_names_it() {
        let accounts = "root:x:0:0:root:/root:/bin/sh\nbad\nana:x:1000:1000::/home/ana:/bin/sh\nben:x:1000:1000:::\n";
        assert_eq!(name(accounts, 0), Some("root"));
        assert_eq!(name(accounts, 1000), Some("ana"));
        assert_eq!(name(accounts, 1), None);
    }
}

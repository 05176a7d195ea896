//! Names of functions in the contract, made from those of the bindings while the program is compiled.

/// Prefix of the functions of the bindings.
const PREFIX: &[u8] = b".call_";

/// Returns the name of a function in the contract: `crm.list-customers` for `crm` and `call_list_customers`.
macro_rules! contract_name {
    ($role:ident, $function:ident) => {{
        const BINDING: &str = concat!(stringify!($role), ".", stringify!($function));
        const BYTES: [u8; $crate::call::contract_name::length(BINDING)] = $crate::call::contract_name::bytes(BINDING);
        match std::str::from_utf8(&BYTES) {
            Ok(name) => name,
            Err(_) => panic!("names are ASCII"),
        }
    }};
}
pub(super) use contract_name;

/// Returns the length of the name in the contract.
pub(super) const fn length(binding: &str) -> usize {
    binding.len() + 1 - PREFIX.len()
}

/// Returns the bytes of the name in the contract.
pub(super) const fn bytes<const LENGTH: usize>(binding: &str) -> [u8; LENGTH] {
    let (binding, mut name, mut from, mut to) = (binding.as_bytes(), [0; LENGTH], 0, 0);
    while from < binding.len() {
        name[to] = if binding[from] == b'_' { b'-' } else { binding[from] };
        from += if binding[from] == b'.' { PREFIX.len() } else { 1 };
        to += 1;
    }
    name
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_name_is_that_of_the_contract() {
        assert_eq!(contract_name!(crm, call_list_customers), "crm.list-customers");
        assert_eq!(contract_name!(channel_login, call_advance), "channel-login.advance");
        assert_eq!(contract_name!(calls, call_log_call), "calls.log-call");
    }
}

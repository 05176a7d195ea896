//! Objects and fields that the simulator knows (Object Reference for the Salesforce Platform).

/// An object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Object {
    /// People of accounts.
    Contact,
    /// Companies.
    Account,
    /// Users of the org.
    User,
}

/// The type of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Id,
    Text,
    Time,
    Boolean,
}

const CONTACT: &[(&str, Kind)] = &[
    ("Id", Kind::Id),
    ("IsDeleted", Kind::Boolean),
    ("MasterRecordId", Kind::Id),
    ("AccountId", Kind::Id),
    ("FirstName", Kind::Text),
    ("LastName", Kind::Text),
    ("Name", Kind::Text),
    ("Email", Kind::Text),
    ("Phone", Kind::Text),
    ("MobilePhone", Kind::Text),
    ("HomePhone", Kind::Text),
    ("OtherPhone", Kind::Text),
    ("Title", Kind::Text),
    ("Department", Kind::Text),
    ("MailingCity", Kind::Text),
    ("MailingCountry", Kind::Text),
    ("OwnerId", Kind::Id),
    ("CreatedDate", Kind::Time),
    ("LastModifiedDate", Kind::Time),
    ("SystemModstamp", Kind::Time),
];

const ACCOUNT: &[(&str, Kind)] = &[
    ("Id", Kind::Id),
    ("IsDeleted", Kind::Boolean),
    ("Name", Kind::Text),
    ("CreatedDate", Kind::Time),
    ("LastModifiedDate", Kind::Time),
    ("SystemModstamp", Kind::Time),
];

const USER: &[(&str, Kind)] = &[
    ("Id", Kind::Id),
    ("Username", Kind::Text),
    ("Email", Kind::Text),
    ("FederationIdentifier", Kind::Text),
    ("IsActive", Kind::Boolean),
    ("UserType", Kind::Text),
    ("CreatedDate", Kind::Time),
    ("LastModifiedDate", Kind::Time),
    ("SystemModstamp", Kind::Time),
];

impl Object {
    /// Returns the object with this name, ignoring case.
    pub(super) fn named(name: &str) -> Option<Self> {
        [Self::Contact, Self::Account, Self::User].into_iter().find(|object| object.name().eq_ignore_ascii_case(name))
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Contact => "Contact",
            Self::Account => "Account",
            Self::User => "User",
        }
    }

    /// Returns the key prefix of the object's ids.
    pub(super) fn prefix(self) -> &'static str {
        match self {
            Self::Contact => "003",
            Self::Account => "001",
            Self::User => "005",
        }
    }

    pub(super) fn fields(self) -> &'static [(&'static str, Kind)] {
        match self {
            Self::Contact => CONTACT,
            Self::Account => ACCOUNT,
            Self::User => USER,
        }
    }

    /// Returns the related object and the field with its id, by the name of the relationship.
    pub(super) fn related(self, name: &str) -> Option<(Self, &'static str)> {
        match self {
            Self::Contact if name.eq_ignore_ascii_case("Account") => Some((Self::Account, "AccountId")),
            Self::Contact if name.eq_ignore_ascii_case("Owner") => Some((Self::User, "OwnerId")),
            _ => None,
        }
    }
}

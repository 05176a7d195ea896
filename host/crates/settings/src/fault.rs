//! What is wrong with a configuration, in the form that an operator can act on.

use std::fmt;

/// One fault: where it is, what it is, what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// `config.toml:12:3`, or the file alone.
    pub place: String,
    /// What is wrong.
    pub problem: String,
    /// What to do about it.
    pub fix: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}\n    {}", self.place, self.problem, self.fix)
    }
}

/// All that is wrong, so that nobody has to mend one fault to see the next.
#[derive(Debug)]
pub struct Faults(pub Vec<Fault>);

impl Faults {
    pub fn one(fault: Fault) -> Self {
        Self(vec![fault])
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.0.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

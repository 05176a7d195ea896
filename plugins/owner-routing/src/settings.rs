//! The operator's settings: assignable workers, and owners of numbers.

use frontgate_sdk::{Error, Result, address, settings, warn};

/// All settings.
const KNOWN: [&str; 4] = ["numbers.*", "round_robin", "without_crm", "workers"];

/// The settings of one call.
pub(crate) struct Settings {
    pub(crate) without_crm: WithoutCrm,
    /// The company's numbers, as Twilio writes them, and their owners.
    numbers: Vec<(String, String)>,
    round_robin: Vec<String>,
    /// Assignable workers; `None` for all.
    workers: Option<Vec<String>>,
}

/// The behaviour while the CRM is unavailable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WithoutCrm {
    /// The gateway retries for some time.
    Wait,
    /// The next rule decides at once.
    Continue,
}

impl Settings {
    pub(crate) fn read() -> Result<Self> {
        settings::only(&KNOWN)?;
        let without_crm = match settings::get("without_crm").as_deref() {
            None | Some("wait") => WithoutCrm::Wait,
            Some("continue") => WithoutCrm::Continue,
            Some(other) => {
                return Err(Error::failed(format!("the setting `without_crm` is `{other}`; write wait or continue")));
            }
        };
        let mut numbers = Vec::new();
        for (key, owner) in settings::all() {
            let Some(number) = key.strip_prefix("numbers.") else {
                continue;
            };
            if !address::is_e164(address::number(number)) {
                let problem = format!("setting `{key}` names no E.164 number; write for example \"+12025550199\"");
                return Err(Error::Failed(problem));
            }
            numbers.push((number.to_owned(), owner));
        }
        Ok(Self {
            without_crm,
            numbers,
            round_robin: settings::get("round_robin").map(|list| identities(&list)).unwrap_or_default(),
            workers: settings::get("workers").map(|list| identities(&list)),
        })
    }

    /// Returns a number's owner. A setting with the `whatsapp:` prefix takes precedence.
    pub(crate) fn owner_of(&self, number: &str) -> Option<&str> {
        let owner = |number: &str| self.numbers.iter().find(|(own, _)| own == number);
        owner(number).or_else(|| owner(address::number(number))).map(|(_, owner)| owner.as_str())
    }

    /// Returns the workers who get conversations in turn.
    pub(crate) fn round_robin(&self) -> Vec<String> {
        self.round_robin.iter().filter_map(|worker| self.assignable(worker, "one of `round_robin`")).collect()
    }

    /// Returns a worker if assignable, spelled as in `workers`: CRMs are not consistent about case.
    pub(crate) fn assignable(&self, worker: &str, who: &str) -> Option<String> {
        let worker = worker.trim();
        let Some(workers) = &self.workers else {
            return (!worker.is_empty()).then(|| worker.to_owned());
        };
        let known = workers.iter().find(|known| known.eq_ignore_ascii_case(worker));
        if known.is_none() && !worker.is_empty() {
            warn!("{who} is not in `workers`, ignored");
        }
        known.cloned()
    }
}

/// Splits identities at commas.
fn identities(list: &str) -> Vec<String> {
    list.split(',').map(|worker| worker.trim().to_owned()).filter(|worker| !worker.is_empty()).collect()
}

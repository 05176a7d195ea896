//! What the operator configured: who may get conversations, and whose numbers are whose.

use frontgate_sdk::{Error, Result, address, settings, warn};

/// What there is to set.
const KNOWN: [&str; 4] = ["numbers.*", "round_robin", "without_crm", "workers"];

/// The settings of one call.
pub(crate) struct Settings {
    pub(crate) without_crm: WithoutCrm,
    /// Numbers of the company, as Twilio writes them, and whose they are.
    numbers: Vec<(String, String)>,
    round_robin: Vec<String>,
    /// Who may be assigned; none for everybody.
    workers: Option<Vec<String>>,
}

/// What becomes of a conversation while the CRM does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WithoutCrm {
    /// The gateway asks again for some time.
    Wait,
    /// The next rule decides at once.
    GoOn,
}

impl Settings {
    pub(crate) fn read() -> Result<Self> {
        settings::only(&KNOWN)?;
        let without_crm = match settings::get("without_crm").as_deref() {
            None | Some("wait") => WithoutCrm::Wait,
            Some("go-on") => WithoutCrm::GoOn,
            Some(other) => {
                return Err(Error::failed(format!("the setting `without_crm` is `{other}`; write wait or go-on")));
            }
        };
        let mut numbers = Vec::new();
        for (key, owner) in settings::all() {
            let Some(number) = key.strip_prefix("numbers.") else {
                continue;
            };
            if !address::is_e164(address::number(number)) {
                let problem = format!("the setting `{key}` names no number in E.164, such as \"+12025550199\"");
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

    /// Whose number this is. One that is written down for WhatsApp only goes before the plain one.
    pub(crate) fn owner_of(&self, number: &str) -> Option<&str> {
        let owner = |number: &str| self.numbers.iter().find(|(own, _)| own == number);
        owner(number).or_else(|| owner(address::number(number))).map(|(_, owner)| owner.as_str())
    }

    /// Those who get conversations in turn.
    pub(crate) fn round_robin(&self) -> Vec<String> {
        self.round_robin.iter().filter_map(|worker| self.assignable(worker, "one of `round_robin`")).collect()
    }

    /// A worker, if they may be assigned, as `workers` spells them: CRMs are not careful about case.
    pub(crate) fn assignable(&self, worker: &str, who: &str) -> Option<String> {
        let worker = worker.trim();
        let Some(workers) = &self.workers else {
            return (!worker.is_empty()).then(|| worker.to_owned());
        };
        let known = workers.iter().find(|known| known.eq_ignore_ascii_case(worker));
        if known.is_none() && !worker.is_empty() {
            warn!("{who} is not among `workers`, and left out");
        }
        known.cloned()
    }
}

/// Identities that are separated by commas.
fn identities(list: &str) -> Vec<String> {
    list.split(',').map(|worker| worker.trim().to_owned()).filter(|worker| !worker.is_empty()).collect()
}

//! Queued faults, generic over the actions and calls of a platform.

use crate::common::rng::Rng;

/// The operations of a platform's API.
pub trait Kind: Copy + PartialEq + 'static {
    /// The value that matches every call in a [`Fault`].
    const ANY: Self;

    /// All operations that the control API knows, with their names.
    const NAMED: &'static [(&'static str, Self)] = &[];

    /// Returns the operation with a name.
    fn named(name: &str) -> Option<Self> {
        Self::NAMED.iter().find(|(known, _)| *known == name).map(|(_, call)| *call)
    }
}

/// A failure that hits later requests.
#[derive(Debug, Clone)]
pub struct Fault<A, C> {
    action: A,
    call: C,
    place: Option<String>,
    spared: usize,
    times: usize,
}

impl<A: Clone, C: Kind> Fault<A, C> {
    /// Creates a fault that hits the next request of any kind.
    pub fn new(action: A) -> Self {
        Self { action, call: C::ANY, place: None, spared: 0, times: 1 }
    }

    /// Restricts the fault to requests of this call.
    pub fn on(self, call: C) -> Self {
        Self { call, ..self }
    }

    /// Sets the number of requests that the fault hits.
    pub fn times(self, times: usize) -> Self {
        Self { times, ..self }
    }

    /// Sets the number of matching requests that pass before the first hit.
    pub fn after(self, spared: usize) -> Self {
        Self { spared, ..self }
    }

    /// Restricts the fault to requests with this resource in their path.
    pub(crate) fn within(self, place: &str) -> Self {
        Self { place: Some(place.to_owned()), ..self }
    }

    fn matches(&self, call: C, place: Option<&str>) -> bool {
        (self.call == C::ANY || self.call == call) && self.place.as_deref().is_none_or(|wanted| place == Some(wanted))
    }
}

/// The faults of a simulator. Queued faults come before random ones.
#[derive(Debug)]
pub(crate) struct Faults<A, C> {
    pub(crate) queued: Vec<Fault<A, C>>,
    pub(crate) random: Option<Random<A>>,
}

/// Random faults. The same seed produces the same faults.
#[derive(Debug)]
pub(crate) struct Random<A> {
    pub(crate) rng: Rng,
    pub(crate) probability: f64,
    pub(crate) actions: Vec<A>,
}

impl<A> Random<A> {
    /// Creates a source of faults, which hits each request with this probability and one of these actions.
    pub(crate) fn new(seed: u64, probability: f64, actions: &[A]) -> Self
    where
        A: Clone,
    {
        Self { rng: Rng::new(seed), probability, actions: actions.to_vec() }
    }
}

/// Returns the named actions, and adds `fail-before` and `fail-after` for each status.
pub(crate) fn named<A>(
    actions: impl IntoIterator<Item = (&'static str, A)>,
    fail_before: fn(u16) -> A,
    fail_after: fn(u16) -> A,
) -> Vec<(String, A)> {
    let mut all: Vec<_> = actions.into_iter().map(|(name, action)| (name.to_owned(), action)).collect();
    for status in [500, 502, 503, 504] {
        all.push((format!("fail-before-{status}"), fail_before(status)));
        all.push((format!("fail-after-{status}"), fail_after(status)));
    }
    all
}

/// Parses a fault from the fields of a form: `action`, `times`, `call`, and the field named by `place`.
pub(crate) fn parse<'f, A: Clone, C: Kind>(
    field: &impl Fn(&str) -> &'f str,
    known: &[(String, A)],
    place: &str,
) -> Result<Fault<A, C>, String> {
    let names: Vec<_> = known.iter().map(|(name, _)| name.as_str()).collect();
    let action = known.iter().find(|(name, _)| name == field("action"));
    let (_, action) = action.ok_or_else(|| format!("unknown action; known: {}", names.join(", ")))?;
    let mut fault = Fault::new(action.clone()).times(field("times").parse().unwrap_or(1));
    if !field("call").is_empty() {
        fault = fault.on(C::named(field("call")).ok_or_else(unknown_call::<C>)?);
    }
    if !field(place).is_empty() {
        fault = fault.within(field(place));
    }
    Ok(fault)
}

/// Returns the error for an unknown call, with the known ones.
fn unknown_call<C: Kind>() -> String {
    let names: Vec<_> = C::NAMED.iter().map(|(name, _)| *name).collect();
    format!("unknown call; known: {}", names.join(", "))
}

impl<A, C> Default for Faults<A, C> {
    fn default() -> Self {
        Self { queued: Vec::new(), random: None }
    }
}

impl<A: Clone, C: Kind> Faults<A, C> {
    /// Returns the action of the fault that hits a request, if any, and counts the hit.
    pub(crate) fn draw(&mut self, call: C, place: Option<&str>) -> Option<A> {
        for (at, fault) in self.queued.iter_mut().enumerate().filter(|(_, fault)| fault.matches(call, place)) {
            if fault.spared > 0 {
                fault.spared -= 1;
                continue;
            }
            let action = fault.action.clone();
            fault.times = fault.times.saturating_sub(1);
            if fault.times == 0 {
                self.queued.remove(at);
            }
            return Some(action);
        }
        let random = self.random.as_mut()?;
        let hit = !random.actions.is_empty() && random.rng.happens(random.probability);
        hit.then(|| random.actions[random.rng.below(random.actions.len())].clone())
    }
}

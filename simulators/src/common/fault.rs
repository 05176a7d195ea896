//! Failures that wait for their requests, whatever a platform's shapes and calls are.

use crate::common::chance::Chance;

/// What requests to a platform ask for.
pub trait Kind: Copy + PartialEq {
    /// In a [`Fault`]: whatever it is.
    const ANY: Self;
}

/// A failure that waits for its requests.
#[derive(Debug, Clone)]
pub struct Fault<A, C> {
    action: A,
    call: C,
    place: Option<String>,
    spared: usize,
    times: usize,
}

impl<A: Clone, C: Kind> Fault<A, C> {
    /// Hits the next request, whatever it is.
    pub fn new(action: A) -> Self {
        Self { action, call: C::ANY, place: None, spared: 0, times: 1 }
    }

    /// Hits only these calls.
    pub fn on(self, call: C) -> Self {
        Self { call, ..self }
    }

    /// Hits so many requests.
    pub fn times(self, times: usize) -> Self {
        Self { times, ..self }
    }

    /// Lets so many requests through before the first that it hits.
    pub fn after(self, spared: usize) -> Self {
        Self { spared, ..self }
    }

    /// Hits only requests with this in their path.
    pub(crate) fn within(self, place: &str) -> Self {
        Self { place: Some(place.to_owned()), ..self }
    }

    fn matches(&self, call: C, place: Option<&str>) -> bool {
        (self.call == C::ANY || self.call == call) && self.place.as_deref().is_none_or(|wanted| place == Some(wanted))
    }
}

/// All failures to come.
#[derive(Debug)]
pub(crate) struct Faults<A, C> {
    pub(crate) queued: Vec<Fault<A, C>>,
    pub(crate) random: Option<Random<A>>,
}

#[derive(Debug)]
pub(crate) struct Random<A> {
    pub(crate) chance: Chance,
    pub(crate) probability: f64,
    pub(crate) actions: Vec<A>,
}

impl<A> Random<A> {
    /// Hits every request with this probability, in one of these shapes.
    pub(crate) fn new(seed: u64, probability: f64, actions: &[A]) -> Self
    where
        A: Clone,
    {
        Self { chance: Chance::new(seed), probability, actions: actions.to_vec() }
    }
}

/// Shapes with their names, and the two that have a status, once for each status.
pub(crate) fn named<A>(
    shapes: impl IntoIterator<Item = (&'static str, A)>,
    fail_before: fn(u16) -> A,
    fail_after: fn(u16) -> A,
) -> Vec<(String, A)> {
    let mut all: Vec<_> = shapes.into_iter().map(|(name, action)| (name.to_owned(), action)).collect();
    for status in [500, 502, 503, 504] {
        all.push((format!("fail-before-{status}"), fail_before(status)));
        all.push((format!("fail-after-{status}"), fail_after(status)));
    }
    all
}

/// A failure as an operator asks for it: `action`, `times`, `call`, and `place`, by the name that it has there.
pub(crate) fn asked<'f, A: Clone, C: Kind>(
    field: &impl Fn(&str) -> &'f str,
    known: &[(String, A)],
    call: fn(&str) -> Option<C>,
    place: &str,
) -> Result<Fault<A, C>, String> {
    let names: Vec<_> = known.iter().map(|(name, _)| name.as_str()).collect();
    let action = known.iter().find(|(name, _)| name == field("action"));
    let (_, action) = action.ok_or_else(|| format!("action is one of {}", names.join(", ")))?;
    let mut fault = Fault::new(action.clone()).times(field("times").parse().unwrap_or(1));
    if !field("call").is_empty() {
        fault = fault.on(call(field("call")).ok_or("there is no such call")?);
    }
    if !field(place).is_empty() {
        fault = fault.within(field(place));
    }
    Ok(fault)
}

impl<A, C> Default for Faults<A, C> {
    fn default() -> Self {
        Self { queued: Vec::new(), random: None }
    }
}

impl<A: Clone, C: Kind> Faults<A, C> {
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
        let hit = !random.actions.is_empty() && random.chance.happens(random.probability);
        hit.then(|| random.actions[random.chance.below(random.actions.len())].clone())
    }
}

//! Queued faults, generic over the actions and calls of a platform.

use crate::common::rng::Rng;

/// The calls that a platform knows.
pub trait Kind: Copy + PartialEq {
    /// Matches every call in a [`Fault`].
    const ANY: Self;
}

/// A failure that hits requests to come.
#[derive(Debug, Clone)]
pub struct Fault<A, C> {
    action: A,
    call: C,
    place: Option<String>,
    spared: usize,
    times: usize,
}

impl<A: Clone, C: Kind> Fault<A, C> {
    /// Hits the next request of any kind.
    pub fn new(action: A) -> Self {
        Self { action, call: C::ANY, place: None, spared: 0, times: 1 }
    }

    /// Hits only this call.
    pub fn on(self, call: C) -> Self {
        Self { call, ..self }
    }

    /// Hits this many requests.
    pub fn times(self, times: usize) -> Self {
        Self { times, ..self }
    }

    /// Lets this many requests through before the first hit.
    pub fn after(self, spared: usize) -> Self {
        Self { spared, ..self }
    }

    /// Hits only requests with this resource in their path.
    pub(crate) fn within(self, place: &str) -> Self {
        Self { place: Some(place.to_owned()), ..self }
    }

    fn matches(&self, call: C, place: Option<&str>) -> bool {
        (self.call == C::ANY || self.call == call) && self.place.as_deref().is_none_or(|wanted| place == Some(wanted))
    }
}

/// The faults of a simulator: the queue, then the random ones.
#[derive(Debug)]
pub(crate) struct Faults<A, C> {
    pub(crate) queued: Vec<Fault<A, C>>,
    pub(crate) random: Option<Random<A>>,
}

/// Faults at random, the same for the same seed.
#[derive(Debug)]
pub(crate) struct Random<A> {
    pub(crate) rng: Rng,
    pub(crate) probability: f64,
    pub(crate) actions: Vec<A>,
}

impl<A> Random<A> {
    /// Hits each request with this probability, with one of these actions.
    pub(crate) fn new(seed: u64, probability: f64, actions: &[A]) -> Self
    where
        A: Clone,
    {
        Self { rng: Rng::new(seed), probability, actions: actions.to_vec() }
    }
}

/// Named actions, with `fail-before` and `fail-after` added once for each status.
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

/// Reads a fault from the fields of a form: `action`, `times`, `call`, and the field that is called `place`.
pub(crate) fn parse<'f, A: Clone, C: Kind>(
    field: &impl Fn(&str) -> &'f str,
    known: &[(String, A)],
    call: fn(&str) -> Option<C>,
    place: &str,
) -> Result<Fault<A, C>, String> {
    let names: Vec<_> = known.iter().map(|(name, _)| name.as_str()).collect();
    let action = known.iter().find(|(name, _)| name == field("action"));
    let (_, action) = action.ok_or_else(|| format!("unknown action; known: {}", names.join(", ")))?;
    let mut fault = Fault::new(action.clone()).times(field("times").parse().unwrap_or(1));
    if !field("call").is_empty() {
        fault = fault.on(call(field("call")).ok_or("unknown call")?);
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
    /// Takes the action for a request, if one hits it.
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

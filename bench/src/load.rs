//! The load: connections that each send the next request when the last one was answered, or at a pace.

use std::cell::RefCell;
use std::future::{Future as _, poll_fn};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use hdrhistogram::Histogram;
use tokio::runtime::Builder;

use crate::connection::Connection;
use crate::cores::Side;
use crate::request::Question;

/// As tokio has it.
const EVENT_INTERVAL: u32 = 61;

/// A minute. Whatever takes longer counts as this.
const LONGEST_NS: u64 = 60_000_000_000;

/// What is sent, and how.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) question: Question,
    pub(crate) connections: u32,
    /// Requests in a second, of all connections together; none stands for as many as are answered.
    pub(crate) pace: Option<u32>,
}

/// What came back.
pub(crate) struct Answers {
    /// Right ones.
    pub(crate) right: u64,
    /// Refusals, other bodies, and connections that broke.
    pub(crate) wrong: u64,
    /// How long the right ones took, in nanoseconds.
    pub(crate) latency: Histogram<u64>,
    /// From the first request to the last answer.
    pub(crate) time: Duration,
}

impl Answers {
    /// Right answers in a second.
    pub(crate) fn per_second(&self) -> f64 {
        self.right as f64 / self.time.as_secs_f64()
    }

    /// The time within which a share of the answers came, in microseconds.
    pub(crate) fn within_us(&self, share: f64) -> f64 {
        self.latency.value_at_quantile(share) as f64 / 1e3
    }
}

impl Load {
    /// As many requests as are answered, on so many connections.
    pub(crate) fn full(question: Question, connections: u32) -> Self {
        Self { question, connections, pace: None }
    }

    /// Sends for so long.
    pub(crate) fn run(self, address: SocketAddr, time: Duration) -> anyhow::Result<Answers> {
        self.run_until(address, |started| started.elapsed() >= time)
    }

    /// Sends until a flag is set.
    pub(crate) fn run_while(self, address: SocketAddr, going: &AtomicBool) -> anyhow::Result<Answers> {
        self.run_until(address, |_| !going.load(Ordering::Relaxed))
    }

    fn run_until(self, address: SocketAddr, enough: impl Fn(Instant) -> bool + Send + Sync) -> anyhow::Result<Answers> {
        Side::Load.run(|| {
            // Where it has a processor of its own it never sleeps: waking it is work of the kernel that would count
            // for the server that is slower.
            let restless = self.pace.is_none() && Side::are_apart();
            let interval = if restless { 1 } else { EVENT_INTERVAL };
            let runtime = Builder::new_current_thread().enable_all().event_interval(interval).build()?;
            // Neither this nor connecting is part of what is measured.
            let (request, expected) = (self.question.request(""), self.question.answer());
            let open = runtime.block_on(join_all((0..self.connections).map(|_| Connection::open(address))));
            let answers = RefCell::new(Answers { right: 0, wrong: 0, latency: times()?, time: Duration::ZERO });
            let sender = Sender { load: self, address, request, expected, started: Instant::now(), answers };
            let enough = || enough(sender.started);
            let connections = open.into_iter().zip(0..);
            let connections = connections.map(|(open, index)| sender.send(open.ok(), index, &enough));
            runtime.block_on(async {
                let mut all = pin!(join_all(connections));
                poll_fn(|context| {
                    if restless {
                        context.waker().wake_by_ref();
                    }
                    all.as_mut().poll(context)
                })
                .await
            });
            Ok(Answers { time: sender.started.elapsed(), ..sender.answers.into_inner() })
        })
    }
}

/// Sends one request again and again.
struct Sender {
    load: Load,
    address: SocketAddr,
    request: Vec<u8>,
    expected: Vec<u8>,
    started: Instant,
    answers: RefCell<Answers>,
}

impl Sender {
    /// On one connection.
    async fn send(&self, mut connection: Option<Connection>, index: u32, enough: &impl Fn() -> bool) {
        let Load { connections, pace, .. } = self.load;
        let pause = pace.map(|pace| Duration::from_secs(1) * connections / pace);
        // Connections with a pace take turns.
        let mut due = self.started + pause.map_or(Duration::ZERO, |pause| pause * index / connections);
        while !enough() {
            // Who is late because of the answer before has waited since it was due.
            let late = pause.is_some() && Instant::now() > due;
            if pause.is_some() && !late {
                tokio::time::sleep_until(due.into()).await;
            }
            let began = if late { due } else { Instant::now() };
            let result = self.ask(&mut connection).await;
            let mut answers = self.answers.borrow_mut();
            if matches!(result, Ok(true)) {
                answers.right += 1;
                answers.latency.saturating_record(nanoseconds(began));
            } else {
                answers.wrong += 1;
            }
            due += pause.unwrap_or_default();
        }
    }

    /// On the connection that is open, or on a new one.
    async fn ask(&self, connection: &mut Option<Connection>) -> std::io::Result<bool> {
        let mut open = match connection.take() {
            Some(open) => open,
            None => Connection::open(self.address).await?,
        };
        let right = open.ask(&self.request, &self.expected).await?;
        *connection = Some(open);
        Ok(right)
    }
}

/// Times in nanoseconds, to three digits.
pub(crate) fn times() -> anyhow::Result<Histogram<u64>> {
    Ok(Histogram::new_with_max(LONGEST_NS, 3)?)
}

/// Since then.
pub(crate) fn nanoseconds(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

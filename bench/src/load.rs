//! The load generator. Each connection sends its next request after the previous answer, or at a fixed rate.

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

/// Event interval of the runtime; Tokio's default.
const EVENT_INTERVAL: u32 = 61;

/// Maximum recorded latency: one minute. Longer latencies are recorded as one minute.
const LONGEST_NS: u64 = 60_000_000_000;

/// The requests to send.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) question: Question,
    pub(crate) connections: u32,
    /// Requests per second of all connections together; `None` means as many as the server answers.
    pub(crate) pace: Option<u32>,
}

/// The results of a load.
pub(crate) struct Answers {
    /// Number of correct answers.
    pub(crate) right: u64,
    /// Number of rejections, incorrect bodies and broken connections.
    pub(crate) wrong: u64,
    /// Latencies of correct answers, in nanoseconds.
    pub(crate) latency: Histogram<u64>,
    /// Time from the first request to the last answer.
    pub(crate) time: Duration,
}

impl Answers {
    /// Returns the number of correct answers per second.
    pub(crate) fn per_second(&self) -> f64 {
        self.right as f64 / self.time.as_secs_f64()
    }

    /// Returns the latency at this quantile, in microseconds.
    pub(crate) fn within_us(&self, share: f64) -> f64 {
        self.latency.value_at_quantile(share) as f64 / 1e3
    }
}

impl Load {
    /// Creates a load without a fixed rate, on this number of connections.
    pub(crate) fn full(question: Question, connections: u32) -> Self {
        Self { question, connections, pace: None }
    }

    /// Sends requests for this period.
    pub(crate) fn run(self, address: SocketAddr, time: Duration) -> anyhow::Result<Answers> {
        self.run_until(address, |started| started.elapsed() >= time)
    }

    /// Sends requests until the flag `going` is cleared.
    pub(crate) fn run_while(self, address: SocketAddr, going: &AtomicBool) -> anyhow::Result<Answers> {
        self.run_until(address, |_| !going.load(Ordering::Relaxed))
    }

    fn run_until(self, address: SocketAddr, enough: impl Fn(Instant) -> bool + Send + Sync) -> anyhow::Result<Answers> {
        Side::Load.run(|| {
            // With its own processor, the load generator never sleeps. Waking it up would be kernel work, attributed to
            // the slower server.
            let restless = self.pace.is_none() && Side::are_apart();
            let interval = if restless { 1 } else { EVENT_INTERVAL };
            let runtime = Builder::new_current_thread().enable_all().event_interval(interval).build()?;
            // Preparation and connection setup are not measured.
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

/// Sends one request repeatedly.
struct Sender {
    load: Load,
    address: SocketAddr,
    request: Vec<u8>,
    expected: Vec<u8>,
    started: Instant,
    answers: RefCell<Answers>,
}

impl Sender {
    /// Sends requests on one connection until `enough` returns `true`.
    async fn send(&self, mut connection: Option<Connection>, index: u32, enough: &impl Fn() -> bool) {
        let Load { connections, pace, .. } = self.load;
        let pause = pace.map(|pace| Duration::from_secs(1) * connections / pace);
        // Distribute the requests of paced connections evenly over time.
        let mut due = self.started + pause.map_or(Duration::ZERO, |pause| pause * index / connections);
        while !enough() {
            // If the previous answer delays a request, its latency includes the time since it was due.
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

    /// Sends one request on the open connection, or on a new one.
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

/// Creates a histogram of nanoseconds with three significant digits.
pub(crate) fn times() -> anyhow::Result<Histogram<u64>> {
    Ok(Histogram::new_with_max(LONGEST_NS, 3)?)
}

/// Returns the nanoseconds since an instant.
pub(crate) fn nanoseconds(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

//! The bell: tells other gateways what has changed, by notifications on a connection of its own.
//!
//! A notification is only a hint. It is sent after the commit, because a notification inside a transaction makes the
//! commits of all gateways wait for each other, and a gateway that waits for one also looks at the tables at intervals.

use std::collections::BTreeSet;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use frontgate_telemetry::metrics::METRICS;
use parking_lot::Mutex;
use tokio::sync::{Notify, broadcast};
use tokio::time::sleep;
use tokio_postgres::AsyncMessage;
use tracing::{debug, warn};

use super::{Failure, Server};
use crate::settings::Settings;

/// Shortest interval between two transmissions. Rings in between are sent together.
const RING_INTERVAL: Duration = Duration::from_millis(5);

/// Interval at which the bell rings for itself, to notice a connection that delivers nothing.
const TEST_INTERVAL: Duration = Duration::from_secs(30);

/// The pause before the next connection.
const RECONNECT_PAUSE: Duration = Duration::from_secs(1);

/// Number of hints that a slow receiver may be behind. It then misses hints, and sees the changes at its next look.
const BACKLOG: usize = 1_024;

/// The hint that the bell sends to itself.
const TEST: &str = "t";

/// Sends and receives hints.
pub struct Bell(Arc<Inner>);

struct Inner {
    pending: Mutex<BTreeSet<String>>,
    rung: Notify,
    received: broadcast::Sender<Arc<str>>,
    began: Instant,
    /// Milliseconds after `began` when the last notification was received; 0 for never.
    heard_ms: AtomicU64,
}

impl Bell {
    /// Starts the bell on the current runtime.
    pub(crate) fn start(settings: &Settings) -> anyhow::Result<Self> {
        let server = Server::for_bell(settings)?;
        let inner = Arc::new(Inner {
            pending: Mutex::default(),
            rung: Notify::new(),
            received: broadcast::Sender::new(BACKLOG),
            began: Instant::now(),
            heard_ms: AtomicU64::new(0),
        });
        tokio::spawn(run(server, Arc::clone(&inner)));
        Ok(Self(inner))
    }

    /// Sends a hint to all gateways, soon after this call. The hint must not contain data of customers.
    pub fn ring(&self, hint: String) {
        METRICS.bell_rings.inc();
        self.0.pending.lock().insert(hint);
        self.0.rung.notify_one();
    }

    /// Returns a receiver of the hints of all gateways, including this one.
    pub fn listen(&self) -> broadcast::Receiver<Arc<str>> {
        self.0.received.subscribe()
    }

    /// Returns for how long no hint has arrived, if that is longer than the bell's own tests allow.
    pub fn silent_for(&self) -> Option<Duration> {
        let heard = Duration::from_millis(self.0.heard_ms.load(Ordering::Relaxed));
        let silence = self.0.began.elapsed().saturating_sub(heard);
        (silence > TEST_INTERVAL * 2).then_some(silence)
    }
}

/// Connects again and again.
async fn run(server: Server, inner: Arc<Inner>) {
    let mut is_lost = false;
    loop {
        let Err(failure) = serve(&server, &inner).await;
        if !is_lost {
            warn!(
                event = "store.bell_lost",
                "connection for notifications lost, retrying; changes of other gateways are seen later: {failure}"
            );
        }
        is_lost = true;
        // Others look at intervals, so hints that could not be sent are not kept.
        inner.pending.lock().clear();
        sleep(RECONNECT_PAUSE).await;
    }
}

async fn serve(server: &Server, inner: &Inner) -> Result<std::convert::Infallible, Failure> {
    let (client, mut connection) = server.connect_undriven().await?;
    let mut messages = pin!(async {
        loop {
            match poll_fn(|context| connection.poll_message(context)).await {
                Some(Ok(AsyncMessage::Notification(notification))) => inner.hear(notification.payload()),
                Some(Ok(_)) => {}
                Some(Err(error)) => break Failure::from(error),
                None => break Failure::Connection("closed by the server".to_owned()),
            }
        }
    });
    let channel = "frontgate_hints";
    let mut ringing = pin!(async {
        client.batch_execute(&format!("SET synchronous_commit = off; LISTEN {channel}")).await?;
        debug!("listening for notifications");
        inner.pending.lock().insert(TEST.to_owned());
        loop {
            let hints = std::mem::take(&mut *inner.pending.lock());
            if !hints.is_empty() {
                let all: String =
                    hints.into_iter().map(|hint| format!("NOTIFY {channel}, {};", quoted(&hint))).collect();
                client.batch_execute(&all).await?;
            }
            sleep(RING_INTERVAL).await;
            tokio::select! {
                () = inner.rung.notified() => {}
                () = sleep(TEST_INTERVAL) => drop(inner.pending.lock().insert(TEST.to_owned())),
            }
        }
    });
    tokio::select! {
        failure = &mut messages => Err(failure),
        result = &mut ringing => {
            let result: Result<std::convert::Infallible, tokio_postgres::Error> = result;
            result.map_err(Failure::from)
        }
    }
}

impl Inner {
    fn hear(&self, hint: &str) {
        let passed = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.heard_ms.store(passed.max(1), Ordering::Relaxed);
        if hint != TEST {
            // There may be no receiver.
            let _ = self.received.send(hint.into());
        }
    }
}

/// Returns a text as an SQL literal. Hints have no control characters.
fn quoted(text: &str) -> String {
    let text: String = text.chars().filter(|letter| !letter.is_control() && *letter != '\\').collect();
    format!("'{}'", text.replace('\'', "''"))
}

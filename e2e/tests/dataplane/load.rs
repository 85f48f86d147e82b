//! Requests at a steady pace, half of them over new connections.

use crate::traefik;
use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use std::fmt;
use std::iter::Sum;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

/// Requests under way at once.
const WORKERS: u64 = 8;
/// A request that takes longer is lost.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// One request.
#[derive(Clone)]
pub(crate) struct Answer {
    /// When it was sent.
    pub(crate) at: Instant,
    /// The hash of the pods that answered, or why it was lost.
    pub(crate) who: Result<Box<str>, String>,
}

/// How many were sent and lost.
#[derive(Clone, Copy, Default)]
pub(crate) struct Tally {
    pub(crate) sent: u64,
    pub(crate) lost: u64,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} requests, {} lost", self.sent, self.lost)
    }
}

impl<'t> Sum<&'t Tally> for Tally {
    fn sum<I: Iterator<Item = &'t Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, it| Self {
            sent: sum.sent + it.sent,
            lost: sum.lost + it.lost,
        })
    }
}

/// Requests to one host under way.
pub(crate) struct Load {
    answers: Arc<Mutex<Vec<Answer>>>,
    quota: u64,
    sent: Arc<AtomicU64>,
    stop: CancellationToken,
    workers: Vec<JoinHandle<()>>,
}

impl Load {
    /// Sends `quota` requests in `seconds`, and goes on at that pace until it is finished.
    pub(crate) fn start(host: &str, quota: u64, seconds: u64) -> Self {
        let (answers, sent, stop) = (Arc::default(), Arc::default(), CancellationToken::new());
        let pause = Duration::from_secs(seconds).mul_f64(as_float(WORKERS) / as_float(quota.max(1)));
        let workers = (0..WORKERS)
            .map(|_| {
                let worker = Worker {
                    host: host.to_owned(),
                    answers: Arc::clone(&answers),
                    sent: Arc::clone(&sent),
                    kept: None,
                };
                tokio::spawn(worker.run(pause, stop.clone()))
            })
            .collect();
        Self {
            answers,
            quota,
            sent,
            stop,
            workers,
        }
    }

    /// Whether as many have been sent as are wanted.
    pub(crate) fn is_done(&self) -> bool {
        self.sent.load(Ordering::Relaxed) >= self.quota
    }

    /// All answers from a time on.
    pub(crate) fn since(&self, from: Instant) -> Vec<Answer> {
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.iter().filter(|it| it.at >= from).cloned().collect()
    }

    /// Ends once as many have been sent as are wanted (at once with `now`): all answers.
    pub(crate) async fn finish(self, now: bool) -> Result<Vec<Answer>> {
        while !now && !self.is_done() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        self.stop.cancel();
        for worker in self.workers {
            worker.await?;
        }
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(std::mem::take(&mut *answers))
    }
}

fn as_float(number: u64) -> f64 {
    u32::try_from(number).map_or(f64::from(u32::MAX), f64::from)
}

type Connection = SendRequest<Empty<Bytes>>;

struct Worker {
    host: String,
    answers: Arc<Mutex<Vec<Answer>>>,
    sent: Arc<AtomicU64>,
    kept: Option<Connection>,
}

impl Worker {
    async fn run(mut self, pause: Duration, stop: CancellationToken) {
        let mut ticks = interval(pause.max(Duration::from_micros(1)));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut keep = false;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => {}
            }
            keep = !keep;
            let at = Instant::now();
            let answered = tokio::time::timeout(ANSWER_WITHIN, self.request(keep)).await;
            let who = answered.unwrap_or_else(|_| Err(anyhow::anyhow!("no answer within {ANSWER_WITHIN:?}")));
            let who = who.map_err(|error| format!("{error:#} ({})", if keep { "kept" } else { "new" }));
            self.sent.fetch_add(1, Ordering::Relaxed);
            let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
            answers.push(Answer { at, who });
        }
    }

    async fn request(&mut self, keep: bool) -> Result<Box<str>> {
        let kept = self.kept.take_if(|it| keep && !it.is_closed());
        let mut connection = match kept {
            Some(kept) => kept,
            None => connect().await?,
        };
        let request = http::Request::get("/")
            .header(http::header::HOST, &self.host)
            .body(Empty::new())?;
        let response = connection.send_request(request).await.context("sent")?;
        let status = response.status();
        let body = response.into_body().collect().await.context("the answer")?.to_bytes();
        let text = String::from_utf8_lossy(&body);
        ensure!(status == 200, "{status} {}", text.trim());
        if keep {
            connection.ready().await.context("kept")?;
            self.kept = Some(connection);
        }
        Ok(text.into())
    }
}

async fn connect() -> Result<Connection> {
    let stream = TcpStream::connect(("127.0.0.1", traefik::PORT))
        .await
        .context("connect")?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}

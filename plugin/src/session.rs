//! The connection of a plugin: streams of yamux. Three of them are there from the beginning, and each kind of plugin has
//! one of its own.
//!
//! The plugin takes the first three for its control, its standard output and its standard error, in that order, before it
//! serves. yamux tells the other side of a stream with the first bytes on it: an empty frame is enough.

use crate::gob::{Schema, Value};
use crate::process::{Address, log_lines};
use crate::rpc::{Body, Client};
use crate::types::table;
use futures::io::{AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::LazyLock;
use std::task::{Context, Poll};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::{mpsc, oneshot};
use tokio_util::compat::{Compat, FuturesAsyncReadCompatExt as _, TokioAsyncReadCompatExt as _};
use tokio_util::task::AbortOnDropHandle;
use yamux::{Config, Connection, Mode, Stream};

/// The connection of a plugin that serves.
#[derive(Debug)]
pub(crate) struct Session {
    control: Client,
    plugin: Client,
    _tasks: [AbortOnDropHandle<()>; 3],
}

/// The types of all calls.
static SCHEMA: LazyLock<Result<Schema, String>> =
    LazyLock::new(|| Ok(crate::rpc::with_header(table()?.schema.clone())));

impl Session {
    /// Connects, and asks for the plugin that the dispenser knows as `dispensed`.
    ///
    /// # Errors
    /// What failed. It waits for the plugin as long as that takes.
    pub(crate) async fn connect(name: &str, address: &Address, dispensed: &str) -> Result<Self, String> {
        let schema = SCHEMA.as_ref().map_err(Clone::clone)?;
        let (opener, driver) = connection(address).await?;
        let control = Client::new(opener.open().await?, schema);
        let output = log_lines(opener.open().await?.compat(), name, "stdout");
        let errors = log_lines(opener.open().await?.compat(), name, "stderr");
        let tasks = [driver, tokio::spawn(output), tokio::spawn(errors)].map(AbortOnDropHandle::new);
        let plugin = dispense(&opener, &control, dispensed, schema).await?;
        Ok(Self {
            control,
            plugin,
            _tasks: tasks,
        })
    }

    /// Calls a method of the plugin, as `Run`.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub(crate) async fn call(&self, method: &str, body: Body<'_>) -> Result<Value, String> {
        self.plugin.call(&format!("Plugin.{method}"), body).await
    }

    /// Whether the plugin still answers.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub(crate) async fn ping(&self) -> Result<(), String> {
        self.control
            .call("Control.Ping", Body::Plain("bool", &Value::Bool(true)))
            .await
            .map(drop)
    }

    /// Asks the plugin to end.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub(crate) async fn quit(&self) -> Result<(), String> {
        self.control
            .call("Control.Quit", Body::Plain("bool", &Value::Bool(true)))
            .await
            .map(drop)
    }
}

/// Asks for a plugin by name. The answer is a number, which the plugin wants at the beginning of a new stream, and sends
/// back there.
async fn dispense(opener: &Opener, control: &Client, name: &str, schema: &'static Schema) -> Result<Client, String> {
    let answer = control
        .call(
            "Dispenser.Dispense",
            Body::Plain("string", &Value::String(name.to_owned())),
        )
        .await?;
    let Value::Uint(number) = answer else {
        return Err(format!("the answer to Dispense is no number: {answer:?}"));
    };
    let number = u32::try_from(number).map_err(|_| format!("the answer to Dispense is too large: {number}"))?;
    let mut stream = opener.open().await?;
    let mut back = [0; 4];
    let talk = async {
        stream.write_all(&number.to_le_bytes()).await?;
        stream.flush().await?;
        stream.read_exact(&mut back).await
    };
    talk.await
        .map_err(|error| format!("the stream of {name} ended: {error}"))?;
    if u32::from_le_bytes(back) != number {
        return Err(format!("the stream of {name} has another number than the plugin said"));
    }
    Ok(Client::new(stream, schema))
}

/// Opens streams of a connection.
struct Opener(mpsc::UnboundedSender<oneshot::Sender<Stream>>);

impl Opener {
    async fn open(&self) -> Result<Stream, String> {
        let (sender, stream) = oneshot::channel();
        let ended = || "the connection ended".to_owned();
        self.0.send(sender).map_err(|_| ended())?;
        stream.await.map_err(|_| ended())
    }
}

async fn connection(address: &Address) -> Result<(Opener, tokio::task::JoinHandle<()>), String> {
    let failed = |error| format!("cannot connect to {address}: {error}");
    Ok(match address {
        Address::Unix(path) => drive(UnixStream::connect(path).await.map_err(failed)?.compat()),
        Address::Tcp(host) => drive(TcpStream::connect(host).await.map_err(failed)?.compat()),
    })
}

/// Starts the task that moves the bytes of all streams.
fn drive<S>(socket: Compat<S>) -> (Opener, tokio::task::JoinHandle<()>)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let (opener, requests) = mpsc::unbounded_channel();
    let mut driver = Driver {
        connection: Connection::new(socket, Config::default(), Mode::Client),
        requests,
        wanted: VecDeque::new(),
    };
    let task = tokio::spawn(async move { poll_fn(|context| driver.poll(context)).await });
    (Opener(opener), task)
}

struct Driver<S> {
    connection: Connection<Compat<S>>,
    requests: mpsc::UnboundedReceiver<oneshot::Sender<Stream>>,
    wanted: VecDeque<oneshot::Sender<Stream>>,
}

impl<S> Driver<S>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    /// Ready when the connection has ended. Streams are opened one after the other: the frame that tells the plugin of one
    /// is on its way before the next one exists.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            while let Poll::Ready(Some(wanted)) = self.requests.poll_recv(context) {
                self.wanted.push_back(wanted);
            }
            loop {
                match self.connection.poll_next_inbound(context) {
                    Poll::Ready(Some(Ok(stream))) => drop(stream), // plugins of these kinds open none
                    Poll::Ready(Some(Err(error))) => {
                        tracing::debug!(%error, "the connection of a plugin ended");
                        return Poll::Ready(());
                    }
                    Poll::Ready(None) => return Poll::Ready(()),
                    Poll::Pending => break,
                }
            }
            if self.wanted.is_empty() {
                return Poll::Pending;
            }
            match self.connection.poll_new_outbound(context) {
                Poll::Ready(Ok(stream)) => self.announce(stream, context),
                Poll::Ready(Err(_)) => return Poll::Ready(()),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Sends an empty frame on a new stream, and hands it out.
    fn announce(&mut self, mut stream: Stream, context: &mut Context<'_>) {
        // A new stream has room for a frame.
        let Poll::Ready(Ok(_)) = Pin::new(&mut stream).poll_write(context, &[]) else {
            tracing::debug!("a new stream of a plugin takes no frame");
            self.wanted.pop_front(); // who wanted it hears that there is none
            return;
        };
        if let Some(wanted) = self.wanted.pop_front() {
            drop(wanted.send(stream)); // whoever wanted it may have gone
        }
    }
}

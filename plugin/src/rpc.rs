//! Go's `net/rpc` on a stream: a header and a value of gob for each call, and for each answer.
//!
//! Calls do not wait for each other. A caller that no longer waits forgets its call; its answer is dropped when it comes.

use crate::gob::{Decoder, Encoder, GobError, Schema, Type, Value};
use futures::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadHalf, WriteHalf};
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use tokio::sync::{mpsc, oneshot};
use tokio_util::task::AbortOnDropHandle;

/// What a call has as its argument.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Body<'a> {
    /// A value of a type.
    Plain(&'a str, &'a Value),
    /// A value behind an interface: the name under which Go registers its type, the type, and the value.
    Interface(&'a str, &'a str, &'a Value),
    /// A nil behind an interface.
    Nil,
}

/// The header of a call in Go.
const REQUEST: &str = "Request";

/// The types of the package itself.
static HEADER: LazyLock<(String, Type)> = LazyLock::new(|| {
    let fields = [("ServiceMethod", "string"), ("Seq", "uint")];
    let fields = fields.map(|(name, of)| (name.to_owned(), of.to_owned()));
    (REQUEST.to_owned(), Type::Struct(fields.into()))
});

/// The schema of a connection: the types of the calls and the header.
pub(crate) fn with_header(mut types: Schema) -> Schema {
    types.extend([HEADER.clone()]);
    types
}

/// The calling end of a stream.
#[derive(Debug)]
pub(crate) struct Client {
    calls: Arc<Mutex<Calls>>,
    encoder: Mutex<Encoder<'static>>,
    /// Whole messages to write. A caller that gives up leaves none of them half written.
    messages: mpsc::UnboundedSender<Vec<u8>>,
    _tasks: [AbortOnDropHandle<()>; 2],
}

/// The calls that wait for an answer.
#[derive(Debug, Default)]
struct Calls {
    waiting: BTreeMap<u64, oneshot::Sender<Result<Value, String>>>,
    last: u64,
    /// Why there will be no more answers.
    ended: Option<String>,
}

impl Calls {
    fn end(&mut self, cause: String) {
        self.waiting.clear();
        self.ended.get_or_insert(cause);
    }

    fn cause(&self) -> String {
        self.ended.clone().unwrap_or_else(|| "the connection ended".to_owned())
    }
}

/// A lock whose holder panicked is as good as before: nothing is left half changed under it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Forgets a call when its caller no longer waits.
struct Waits<'a> {
    calls: &'a Mutex<Calls>,
    number: u64,
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        lock(self.calls).waiting.remove(&self.number);
    }
}

impl Client {
    pub(crate) fn new<S>(stream: S, schema: &'static Schema) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (reading, writing) = stream.split();
        let calls = Arc::<Mutex<Calls>>::default();
        let (messages, to_write) = mpsc::unbounded_channel();
        let reader = tokio::spawn(read(reading, Arc::clone(&calls)));
        let writer = tokio::spawn(write(writing, to_write, Arc::clone(&calls)));
        Self {
            calls,
            encoder: Mutex::new(Encoder::new(schema)),
            messages,
            _tasks: [reader, writer].map(AbortOnDropHandle::new),
        }
    }

    /// Calls `method`, as `Plugin.Run`, and waits for its answer as long as it takes.
    ///
    /// # Errors
    /// The words of the other side's refusal, or why there is no answer.
    pub(crate) async fn call(&self, method: &str, body: Body<'_>) -> Result<Value, String> {
        let (answer, waits) = self.send(method, body)?;
        let answered = answer.await;
        drop(waits);
        answered.unwrap_or_else(|_| Err(lock(&self.calls).cause()))
    }

    fn send(
        &self,
        method: &str,
        body: Body<'_>,
    ) -> Result<(oneshot::Receiver<Result<Value, String>>, Waits<'_>), String> {
        let mut encoder = lock(&self.encoder); // until the message is in the queue: definitions of types come first
        let (sender, answer) = oneshot::channel();
        let number = {
            let mut calls = lock(&self.calls);
            if calls.ended.is_some() {
                return Err(calls.cause());
            }
            calls.last += 1;
            let number = calls.last;
            calls.waiting.insert(number, sender);
            number
        };
        let calls = &*self.calls;
        let waits = Waits { calls, number };
        let message = message(&mut encoder, method, number, body).map_err(|error| error.to_string())?;
        if self.messages.send(message).is_err() {
            return Err(lock(&self.calls).cause());
        }
        Ok((answer, waits))
    }
}

fn message(encoder: &mut Encoder<'_>, method: &str, number: u64, body: Body<'_>) -> Result<Vec<u8>, GobError> {
    // An encoder that failed has defined types that were not sent: so the body is tried on a copy.
    let mut tried = encoder.clone();
    let header = [
        ("ServiceMethod".to_owned(), Value::String(method.to_owned())),
        ("Seq".to_owned(), Value::Uint(number)),
    ];
    let mut message = tried.value(REQUEST, &Value::Struct(header.into()))?;
    message.extend(match body {
        Body::Plain(of, value) => tried.value(of, value)?,
        Body::Interface(name, of, value) => tried.interface(Some((name, of, value)))?,
        Body::Nil => tried.interface(None)?,
    });
    *encoder = tried;
    Ok(message)
}

async fn write<W: AsyncWrite + Unpin>(
    mut stream: WriteHalf<W>,
    mut messages: mpsc::UnboundedReceiver<Vec<u8>>,
    calls: Arc<Mutex<Calls>>,
) {
    while let Some(message) = messages.recv().await {
        let written = async {
            stream.write_all(&message).await?;
            stream.flush().await
        };
        if let Err(error) = written.await {
            lock(&calls).end(format!("the connection ended: {error}"));
            return;
        }
    }
}

async fn read<R: AsyncRead + Unpin>(stream: ReadHalf<R>, calls: Arc<Mutex<Calls>>) {
    let mut answers = Answers::new(stream);
    let cause = loop {
        match answers.next().await {
            Ok((header, body)) => {
                if let Some(waiting) = lock(&calls).waiting.remove(&header.number) {
                    // The caller may have gone.
                    drop(waiting.send(if header.error.is_empty() {
                        Ok(body)
                    } else {
                        Err(header.error)
                    }));
                }
            }
            Err(cause) => break cause,
        }
    };
    lock(&calls).end(cause);
}

/// The header of an answer.
struct Header {
    number: u64,
    error: String,
}

impl Header {
    fn read(value: &Value) -> Option<Self> {
        let Value::Struct(fields) = value else {
            return None;
        };
        let number = match fields.get("Seq") {
            Some(Value::Uint(number)) => *number,
            _ => return None,
        };
        let error = match fields.get("Error") {
            Some(Value::String(error)) => error.clone(),
            None => String::new(),
            Some(_) => return None,
        };
        Some(Self { number, error })
    }
}

/// The answers of a stream.
struct Answers<R> {
    stream: R,
    decoder: Decoder,
    /// What has arrived and was not taken.
    arrived: Vec<u8>,
}

impl<R: AsyncRead + Unpin> Answers<R> {
    fn new(stream: R) -> Self {
        let (decoder, arrived) = (Decoder::default(), Vec::new());
        Self {
            stream,
            decoder,
            arrived,
        }
    }

    async fn next(&mut self) -> Result<(Header, Value), String> {
        let header = self.value().await?;
        let header = Header::read(&header).ok_or("it sent no header of net/rpc")?;
        Ok((header, self.value().await?))
    }

    async fn value(&mut self) -> Result<Value, String> {
        let mut chunk = vec![0; 16 << 10];
        loop {
            let taken = self.decoder.take(&self.arrived);
            if let Some((taken, value)) = taken.map_err(|error| format!("it sent no gob: {error}"))? {
                self.arrived.drain(..taken);
                match value {
                    Some(value) => return Ok(value),
                    None => continue,
                }
            }
            match self.stream.read(&mut chunk).await {
                Ok(0) => return Err("the plugin closed the connection".to_owned()),
                Ok(count) => self.arrived.extend_from_slice(&chunk[..count]),
                Err(error) => return Err(format!("the connection ended: {error}")),
            }
        }
    }
}

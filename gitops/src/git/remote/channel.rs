//! A connection to `git-upload-pack`, over HTTP or SSH.

use super::Access;
use super::address::{Address, Kind};
use super::advertisement::{Advertisement, printable};
use super::error::{FetchError, Result};
use super::http::Http;
use super::packet::{Decoder, Packet};
use super::ssh::Ssh;

/// The most bytes of names that a server offers.
const LONGEST_OFFER: usize = 64 * 1024 * 1024;

/// A connection.
pub(super) struct Channel {
    wire: Wire,
    decoder: Decoder,
    address: String,
}

enum Wire {
    Http(Box<Http>),
    Ssh(Box<Ssh>),
}

impl Channel {
    pub(super) async fn open(address: &Address, access: &Access) -> Result<Self> {
        let wire = match &address.0 {
            Kind::Http { url, credentials } => {
                let credentials = credentials.as_ref().or(access.credentials.as_ref());
                Wire::Http(Box::new(Http::open(url, credentials, access).await?))
            }
            Kind::Ssh { host, port, path } => {
                Wire::Ssh(Box::new(Ssh::open(host, *port, path, access, address.to_string())?))
            }
        };
        Ok(Self {
            wire,
            decoder: Decoder::default(),
            address: address.to_string(),
        })
    }

    /// What the server offers.
    pub(super) async fn advertisement(&mut self) -> Result<Advertisement> {
        let mut offer = Advertisement::default();
        let (mut length, mut introduced) = (0, matches!(self.wire, Wire::Ssh(_)));
        loop {
            let Some(packet) = self.packet().await? else {
                return Err(self.ended().await);
            };
            match packet {
                Packet::Flush if introduced => return Ok(offer),
                Packet::Flush => introduced = true,
                Packet::Data(line) if !introduced && line.starts_with(b"# service=git-upload-pack") => {}
                Packet::Data(_) if !introduced => return Err(self.protocol("the answer is of another service")),
                Packet::Data(line) => {
                    length += line.len();
                    if length > LONGEST_OFFER {
                        return Err(self.protocol("it offers too many branches and tags"));
                    }
                    offer.take(&line).map_err(|why| self.protocol(&why))?;
                }
            }
        }
    }

    /// Sends a request.
    pub(super) async fn ask(&mut self, bytes: Vec<u8>) -> Result<()> {
        match &mut self.wire {
            Wire::Http(http) => http.ask(bytes).await,
            Wire::Ssh(ssh) => ssh.ask(&bytes).await,
        }
    }

    /// The next packet; `None` at the end.
    pub(super) async fn packet(&mut self) -> Result<Option<Packet>> {
        loop {
            if let Some(packet) = self.decoder.next().map_err(|why| self.protocol(&why))? {
                return Ok(Some(packet));
            }
            let piece = match &mut self.wire {
                Wire::Http(http) => http.piece().await?,
                Wire::Ssh(ssh) => ssh.piece().await?,
            };
            match piece {
                Some(piece) => self.decoder.push(&piece),
                None if self.decoder.is_empty() => return Ok(None),
                None => return Err(self.ended().await),
            }
        }
    }

    /// Ends the connection.
    pub(super) async fn close(self) -> Result<()> {
        match self.wire {
            Wire::Http(_) => Ok(()),
            Wire::Ssh(ssh) => ssh.close().await,
        }
    }

    /// The error of a connection that ended too early.
    pub(super) async fn ended(&mut self) -> FetchError {
        match &mut self.wire {
            Wire::Http(_) => self.protocol("the answer ends too early"),
            Wire::Ssh(ssh) => ssh.ended().await,
        }
    }

    pub(super) fn protocol(&self, why: &str) -> FetchError {
        FetchError::Protocol {
            address: self.address.clone(),
            why: printable(why),
        }
    }

    pub(super) fn address(&self) -> &str {
        &self.address
    }
}

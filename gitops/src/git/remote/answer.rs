//! The answer to a request: where the history is cut, then a pack (gitprotocol-pack, "Packfile Data").

use std::collections::BTreeSet;

use super::advertisement::{printable, whole};
use super::cache::Cache;
use super::channel::Channel;
use super::error::{FetchError, Result};
use super::pack::Pack;
use super::packet::Packet;
use crate::git::CommitId;

/// Where the history is cut now.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) shallow: BTreeSet<CommitId>,
    pub(super) unshallow: BTreeSet<CommitId>,
}

/// Reads an answer, and indexes its pack in the cache.
pub(super) async fn read(channel: &mut Channel, cache: &Cache, limit: u64) -> Result<Answer> {
    let mut answer = Answer::default();
    let mut pack = Pack::begin(&cache.packs());
    let mut length: u64 = 0;
    while let Some(packet) = channel.packet().await? {
        let data = match packet {
            Packet::Data(data) => data,
            Packet::Flush if length > 0 => break,
            Packet::Flush => continue,
        };
        match data.split_first() {
            Some((1, bytes)) => {
                length = length.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
                if length > limit {
                    return Err(FetchError::TooLarge {
                        address: channel.address().to_owned(),
                        limit,
                    });
                }
                pack.write(bytes).await?;
            }
            Some((2, _)) | None => {}
            Some((3, message)) => return Err(said(channel, message)),
            Some(_) => line(channel, &data, &mut answer)?,
        }
    }
    if length == 0 {
        return Err(channel.ended().await);
    }
    pack.finish().await?;
    Ok(answer)
}

fn line(channel: &Channel, data: &[u8], answer: &mut Answer) -> Result<()> {
    let text = String::from_utf8_lossy(data);
    let (word, rest) = text.trim_end().split_once(' ').unwrap_or((text.trim_end(), ""));
    let id = || {
        whole(rest)
            .map(CommitId)
            .ok_or_else(|| channel.protocol(&format!("`{}` has no hash", text.trim_end())))
    };
    match word {
        "shallow" => drop(answer.shallow.insert(id()?)),
        "unshallow" => drop(answer.unshallow.insert(id()?)),
        "ACK" | "NAK" => {}
        "ERR" => return Err(said(channel, rest.as_bytes())),
        _ => return Err(channel.protocol(&format!("`{}` is not expected here", text.trim_end()))),
    }
    Ok(())
}

fn said(channel: &Channel, message: &[u8]) -> FetchError {
    channel.protocol(&format!(
        "the server says: {}",
        printable(&String::from_utf8_lossy(message))
    ))
}

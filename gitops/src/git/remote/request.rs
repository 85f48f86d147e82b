//! What the server is asked for (gitprotocol-pack, "Packfile Negotiation").

use std::collections::{BTreeMap, BTreeSet};

use git2::Oid;

use super::address::Address;
use super::advertisement::Advertisement;
use super::error::{FetchError, Result};
use super::packet::{write_flush, write_line};
use crate::git::CommitId;

/// A depth that means all of the history (the server's own reading of `--unshallow`).
const WHOLE: u32 = 0x7fff_ffff;

/// What of the protocol is used where the server has it.
const ABILITIES: [&str; 3] = ["multi_ack_detailed", "ofs-delta", "no-progress"];

/// The bytes of a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Request(Vec<u8>);

impl Request {
    /// A request for what is not in the cache; `None` where all of it is.
    pub(super) fn new(
        offer: &Advertisement,
        address: &Address,
        targets: &BTreeMap<String, Oid>,
        depth: Option<u32>,
        tips: &BTreeSet<Oid>,
        shallow: &BTreeSet<CommitId>,
    ) -> Result<Option<Self>> {
        let unable = |what| FetchError::Unable {
            address: address.to_string(),
            what,
        };
        let wanted: BTreeSet<Oid> = targets.values().copied().collect();
        let offered: BTreeSet<Oid> = offer.refs.values().copied().collect();
        let depth = depth.or((!shallow.is_empty()).then_some(WHOLE));
        let complete = wanted.is_subset(tips) && shallow.is_empty();
        if complete {
            return Ok(None);
        }
        let any = offer.can("allow-reachable-sha1-in-want") || offer.can("allow-any-sha1-in-want");
        if !wanted.is_subset(&offered) && !any {
            return Err(unable("give out a commit by its hash"));
        }
        if depth.is_some() && !offer.can("shallow") {
            return Err(unable("give out a part of the history"));
        }
        if !offer.can("side-band-64k") {
            return Err(unable("send objects in packets"));
        }
        let mut bytes = Vec::new();
        let used = ABILITIES.iter().filter(|ability| offer.can(ability));
        let abilities: String = used.map(|ability| format!(" {ability}")).collect();
        for (index, id) in wanted.iter().enumerate() {
            let abilities = if index == 0 {
                format!(" side-band-64k{abilities} agent=serin")
            } else {
                String::new()
            };
            write_line(&mut bytes, &format!("want {id}{abilities}\n"));
        }
        for id in shallow {
            write_line(&mut bytes, &format!("shallow {id}\n"));
        }
        if let Some(depth) = depth {
            write_line(&mut bytes, &format!("deepen {depth}\n"));
        }
        write_flush(&mut bytes);
        for id in tips {
            write_line(&mut bytes, &format!("have {id}\n"));
        }
        write_line(&mut bytes, "done\n");
        Ok(Some(Self(bytes)))
    }

    pub(super) fn bytes(self) -> Vec<u8> {
        self.0
    }
}

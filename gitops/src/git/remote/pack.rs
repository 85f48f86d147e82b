//! A pack on its way into the cache: libgit2 checks and indexes it, on a thread of its own.

use std::io::Write as _;
use std::path::Path;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::error::{FetchError, Result};

/// How many pieces wait for the thread.
const WAITING: usize = 16;

/// The most objects of one pack.
const MOST_OBJECTS: usize = 5_000_000;

/// A pack that arrives.
pub(super) struct Pack {
    pieces: mpsc::Sender<Vec<u8>>,
    work: JoinHandle<std::result::Result<(), String>>,
}

impl Pack {
    /// Begins a pack in a folder. A pack that is not finished leaves nothing that is read.
    pub(super) fn begin(folder: &Path) -> Self {
        let (pieces, arriving) = mpsc::channel(WAITING);
        let folder = folder.to_path_buf();
        let work = tokio::task::spawn_blocking(move || index(&folder, arriving));
        Self { pieces, work }
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        if self.pieces.send(bytes.to_vec()).await.is_err() {
            return Err(self.failure().await);
        }
        Ok(())
    }

    /// Ends the pack; an empty piece says that all has arrived.
    pub(super) async fn finish(mut self) -> Result<()> {
        self.write(&[]).await?;
        match self.work.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(why)) => Err(FetchError::Pack { why }),
            Err(error) => Err(FetchError::Pack { why: error.to_string() }),
        }
    }

    async fn failure(&mut self) -> FetchError {
        match (&mut self.work).await {
            Ok(Err(why)) => FetchError::Pack { why },
            Ok(Ok(())) => FetchError::Pack {
                why: "it goes on behind its end".into(),
            },
            Err(error) => FetchError::Pack { why: error.to_string() },
        }
    }
}

fn index(folder: &Path, mut arriving: mpsc::Receiver<Vec<u8>>) -> std::result::Result<(), String> {
    let said = |error: &git2::Error| error.message().to_owned();
    // The last argument would look for everything that the objects refer to, which a part of a history does not have.
    let mut indexer = git2::Indexer::new(None, folder, 0o444, false).map_err(|error| said(&error))?;
    indexer.progress(|progress| progress.total_objects() <= MOST_OBJECTS);
    while let Some(piece) = arriving.blocking_recv() {
        if piece.is_empty() {
            return indexer.commit().map(drop).map_err(|error| said(&error));
        }
        indexer.write_all(&piece).map_err(|error| error.to_string())?;
    }
    Err("it was not sent in full".into())
}

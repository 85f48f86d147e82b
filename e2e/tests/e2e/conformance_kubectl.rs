//! The real kubectl prints the same whatever it talks to; the transcripts are in `tests/kubectl`.

use anyhow::Result;
use serin_e2e::{World, transcript};

macro_rules! transcripts {
    ($($name:ident),+ $(,)?) => {$(
        pub(crate) async fn $name(world: &mut World) -> Result<()> {
            transcript::play(world, stringify!($name)).await
        }
    )+};
}

transcripts!(
    apply,
    apply_server,
    delete,
    deployment,
    describe,
    discovery,
    explain,
    get,
    logs,
    ownership,
    patch,
    scale,
    wait
);

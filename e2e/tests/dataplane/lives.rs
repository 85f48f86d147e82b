//! Canaries that are aborted at any moment, and go on by a retry, a rollback or a third version.

use crate::number;
use crate::routes::Route;
use crate::stage::Stage;
use anyhow::{Result, ensure};
use serin_e2e::harness::say;
use std::time::Duration;
use tokio::time::sleep;

/// The delays are short: pods go soon after the weight.
const STRATEGY: &str = "{canary: {canaryService: canary, stableService: stable, \
    trafficRouting: {gatewayAPI: {httpRoute: web}}, scaleDownDelaySeconds: 5, abortScaleDownDelaySeconds: 3, \
    steps: [{setWeight: 20}, {pause: {duration: 4s}}, {setWeight: 50}, {pause: {duration: 4s}}, \
    {setWeight: 80}, {pause: {duration: 4s}}]}}";

/// How many there are at least: there are more until all requests have been sent.
pub(crate) fn canaries() -> u64 {
    number("SERIN_CANARIES", 3)
}

/// Numbers by chance, the same for the same seed (splitmix64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut it = self.0;
        it = (it ^ (it >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        it = (it ^ (it >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (it ^ (it >> 31)) % end
    }
}

pub(crate) async fn canaries_are_aborted_at_any_moment(stage: &mut Stage) -> Result<()> {
    let seed = number("SERIN_SEED", 1);
    let mut chance = Chance(seed);
    stage.begin(Route::GatewayApi, STRATEGY).await?;
    let mut canary = 0;
    while canary < canaries() || !stage.is_done() {
        let (abort, wait, then) = (chance.below(22_000), chance.below(8_000), chance.below(3));
        let how = ["retry", "go back", "go on"][usize::try_from(then)?];
        let text = format!("canary {canary} of seed {seed}: abort after {abort} ms, {how} after {wait} ms more");
        say(&format!("    {text}\n"))?;
        stage.note(text);
        let image = |number: u64| format!("app:{}", 10 * (canary + 1) + number);
        stage.world.when().set_image(&image(0)).await?;
        sleep(Duration::from_millis(abort)).await;
        let at = stage.world.view().await?;
        if at.phase().0 != "Healthy" {
            stage.note(format!("abort at step {:?}", at.rollout.status.current_step_index));
            stage.world.when().abort().await?;
            sleep(Duration::from_millis(wait)).await;
            match then {
                0 => stage.world.when().retry().await?,
                1 => {
                    let stable = at.rollout.status.stable_rs.clone();
                    let set = at.replica_sets.iter().find(|set| {
                        let hash = set.metadata.labels.as_ref();
                        hash.and_then(|it| it.get(serin_core::wire::HASH_LABEL)) == Some(&stable)
                    });
                    let template = set.and_then(|it| it.spec.template.as_ref()?.spec.as_ref());
                    let image = template.and_then(|it| it.containers.first()?.image.clone());
                    ensure!(image.is_some(), "stable {stable:?} has no image");
                    stage.world.when().set_image(&image.unwrap_or_default()).await?;
                }
                _ => stage.world.when().set_image(&image(1)).await?,
            }
        }
        stage.world.then().healthy().await?;
        stage.note(format!("canary {canary} is over"));
        canary += 1;
    }
    // The last pods go, and answer for a while.
    sleep(Duration::from_secs(20)).await;
    Ok(())
}

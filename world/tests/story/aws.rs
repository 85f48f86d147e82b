//! Lines about AWS and its load balancer controller.

use super::Why;
use super::stage::{Stage, length};
use serin_world::aws::Cloud;

/// Carries out one line about AWS; none if it is about something else.
pub fn act(stage: &mut Stage, text: &str) -> Option<Result<(), Why>> {
    let rest = text.strip_prefix("AWS ")?;
    let cloud = stage.world.cloud.get_or_insert_default();
    Some(change(cloud, rest))
}

fn change(cloud: &mut Cloud, text: &str) -> Result<(), Why> {
    match text {
        "is asked" => {}
        "answers again" => (cloud.fails, cloud.empty) = (None, false),
        "has no load balancer" => cloud.empty = true,
        "sees no target healthy" => cloud.sick = true,
        "sees targets healthy again" => cloud.sick = false,
        _ => {
            if let Some(why) = text.strip_prefix("fails: ") {
                cloud.fails = Some(why.trim_matches('"').to_owned());
            } else if let Some(time) = text.strip_prefix("follows after ") {
                cloud.late = length(time)?.as_secs();
            } else {
                return Err(Why::not_understood("no such act of AWS"));
            }
        }
    }
    Ok(())
}

/// `AWS was asked 3 times`, since the beginning.
pub fn check(stage: &Stage, expected: &str) -> Result<(), Why> {
    let calls = stage.world.cloud.as_ref().map_or(0, |cloud| cloud.calls);
    let actual = format!("was asked {calls} times");
    if actual == expected {
        return Ok(());
    }
    Err(Why::Otherwise {
        expected: expected.to_owned(),
        actual,
    })
}

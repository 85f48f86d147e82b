//! Whole rollouts from outside: on the sandbox in `cargo test`, on a real control plane by `e2e/real`.

mod canary;
mod conformance;
mod conformance_kubectl;
mod counts;
mod refusals;
mod trouble;

use serin_e2e::cluster::Place;
use serin_e2e::{harness, scenario};
use std::process::ExitCode;

fn main() -> ExitCode {
    harness::main(vec![
        scenario!(canary::first_deploy_goes_straight_to_healthy),
        scenario!(canary::steps_pause_and_promotion_to_the_end),
        scenario!(canary::full_promotion_skips_the_rest),
        scenario!(canary::abort_goes_back_and_retry_begins_anew),
        scenario!(canary::going_back_to_the_stable_template_ends_an_abort),
        scenario!(canary::scaling_while_paused_keeps_the_share),
        scenario!(canary::scaling_during_an_update_reaches_both_sides),
        scenario!(canary::a_bad_image_is_degraded_by_the_deadline_and_replaced),
        scenario!(canary::a_newer_update_supersedes_the_one_under_way),
        scenario!(canary::spec_paused_holds_and_releases),
        scenario!(trouble::an_invalid_spec_is_said_and_can_be_cured),
        scenario!(trouble::an_undecodable_rollout_stops_no_other),
        scenario!(trouble::a_killed_controller_loses_nothing),
        scenario!(trouble::an_edit_beside_the_controller_is_never_lost),
        scenario!(trouble::the_spec_stays_as_it_was_written),
        scenario!(conformance::objects_are_created),
        scenario!(conformance::objects_are_patched),
        scenario!(conformance::objects_are_replaced_and_deleted),
        scenario!(conformance::lists),
        scenario!(conformance::watches),
        scenario!(conformance::custom_resources_are_checked),
        scenario!(conformance::status_and_generation),
        scenario!(conformance::scale),
        scenario!(conformance::finalizers),
        scenario!(conformance::replica_sets),
        scenario!(conformance::owners_take_their_own_along),
        scenario!(conformance_kubectl::apply),
        scenario!(conformance_kubectl::apply_server),
        scenario!(conformance_kubectl::delete),
        scenario!(conformance_kubectl::deployment),
        scenario!(conformance_kubectl::describe),
        scenario!(conformance_kubectl::discovery),
        scenario!(conformance_kubectl::explain),
        scenario!(conformance_kubectl::get),
        scenario!(conformance_kubectl::logs),
        scenario!(conformance_kubectl::patch),
        scenario!(conformance_kubectl::scale),
        scenario!(conformance_kubectl::wait),
        scenario!(counts::without_steps).wishing(counts::wishes),
        scenario!(counts::one_step).wishing(counts::wishes),
        scenario!(counts::two_steps).wishing(counts::wishes),
        scenario!(counts::four_steps).wishing(counts::wishes),
        scenario!(counts::two_steps_and_a_pause).wishing(counts::wishes),
        scenario!(refusals::forbidden).only(Place::Sandbox),
        scenario!(refusals::conflict).only(Place::Sandbox),
        scenario!(refusals::too_many_requests).only(Place::Sandbox),
        scenario!(refusals::server_error).only(Place::Sandbox),
        scenario!(refusals::no_answer).only(Place::Sandbox),
        scenario!(refusals::a_lost_answer_creates_nothing_twice).only(Place::Sandbox),
        scenario!(refusals::refused_content_is_an_invalid_spec).only(Place::Sandbox),
        scenario!(refusals::status_conflicts_are_worked_off).only(Place::Sandbox),
    ])
}

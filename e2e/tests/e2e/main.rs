//! Whole rollouts from outside: on the sandbox in `cargo test`, on a real control plane by `e2e/real`.

mod analysis;
mod availability;
mod blue_green;
mod canary;
mod conformance;
mod conformance_kubectl;
mod conformance_odd;
mod conformance_replica_sets;
mod counts;
mod crowd;
mod defaults;
mod deploy;
mod deploy_argocd;
mod experiments;
mod explaining;
mod explaining_around;
mod leaders;
mod meddling;
mod odd_requests;
mod plugins;
mod refusals;
mod takeover;
mod trouble;
mod workload_ref;

use serin_e2e::cluster::Place;
use serin_e2e::harness::{self, Scenario, counts_writes};
use serin_e2e::{process, scenario, transcript};
use std::process::ExitCode;

fn main() -> ExitCode {
    if let Some(ended) = process::asked() {
        return ended.map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS);
    }
    let scenarios = [
        stories(),
        analyses(),
        availability(),
        counts(),
        plugged(),
        transcripts(),
        explanations(),
    ]
    .concat();
    harness::main(scenarios)
}

fn availability() -> Vec<Scenario> {
    let all = vec![
        scenario!(availability::of_a_whole_update),
        scenario!(availability::of_a_way_back_from_the_pause),
        scenario!(availability::of_a_way_back_with_a_killed_controller),
        scenario!(availability::of_a_newer_update_in_the_pause),
        scenario!(availability::of_an_abort_in_the_pause),
        scenario!(availability::behind_a_service_after_an_abort_at_full_weight),
        scenario!(availability::behind_a_service_when_a_newer_update_comes_at_full_weight),
        scenario!(availability::of_the_restart_of_a_single_pod),
        scenario!(conformance_replica_sets::a_status_is_that_of_the_pods_before),
        scenario!(conformance_replica_sets::the_least_useful_pods_are_deleted),
    ];
    all.into_iter().map(|it| it.wishing(availability::wishes)).collect()
}

fn counts() -> Vec<Scenario> {
    let all = vec![
        scenario!(counts::without_steps),
        scenario!(counts::one_step),
        scenario!(counts::two_steps),
        scenario!(counts::four_steps),
        scenario!(counts::two_steps_and_a_pause),
        scenario!(counts::blue_green),
        scenario!(counts::blue_green_with_preview),
    ];
    let counted = |it: Scenario| it.wishing(counts::wishes).needing(counts_writes);
    all.into_iter().map(counted).collect()
}

fn analyses() -> Vec<Scenario> {
    vec![
        scenario!(analysis::a_background_analysis_that_fails_aborts),
        scenario!(analysis::an_inline_job_is_waited_for),
        scenario!(analysis::a_run_that_a_person_ends_is_no_verdict),
        scenario!(analysis::a_killed_controller_goes_on_with_its_job),
        scenario!(analysis::what_fails_before_the_switch_never_serves),
        scenario!(analysis::what_fails_after_the_switch_gives_the_service_back),
        scenario!(analysis::what_passes_on_both_sides_of_the_switch_stays),
        scenario!(analysis::a_canary_that_is_worse_than_stable_is_aborted).only(Place::Real),
        scenario!(analysis::too_little_data_is_no_verdict).only(Place::Real),
        scenario!(experiments::two_templates_are_compared_and_go),
        scenario!(experiments::an_analysis_that_fails_fails_the_experiment),
        scenario!(experiments::a_person_ends_it),
        scenario!(experiments::a_killed_controller_goes_on_with_it),
    ]
}

fn plugged() -> Vec<Scenario> {
    let all = vec![
        scenario!(plugins::a_step_plugin_leads_on),
        scenario!(plugins::a_metric_plugin_judges),
    ];
    all.into_iter().map(|it| it.needing(plugins::goplugin)).collect()
}

fn explanations() -> Vec<Scenario> {
    vec![
        scenario!(explaining::what_is_in_good_order),
        scenario!(explaining::a_planned_pause),
        scenario!(explaining::an_image_that_cannot_be_pulled),
        scenario!(explaining::a_probe_that_never_passes),
        scenario!(explaining::a_command_that_cannot_start),
        scenario!(explaining::an_abort_by_a_person),
        scenario!(explaining::a_service_that_is_missing),
        scenario!(explaining::pods_that_admission_refuses).only(Place::Real),
        scenario!(explaining::pods_beyond_the_quota).only(Place::Real),
        scenario!(explaining::nothing_is_written),
        scenario!(explaining::a_reader_with_the_shipped_role).only(Place::Real),
        scenario!(explaining::a_reader_of_rollouts_alone).only(Place::Real),
        scenario!(explaining_around::an_autoscaler_that_aims_at_a_deployment).only(Place::Real),
        scenario!(explaining_around::a_budget_that_allows_no_eviction).only(Place::Real),
        scenario!(explaining_around::a_controller_that_lacks_a_permission).only(Place::Real),
        scenario!(explaining_around::a_controller_that_does_not_run),
        scenario!(explaining_around::an_analysis_that_failed),
    ]
}

fn transcripts() -> Vec<Scenario> {
    let all = vec![
        scenario!(conformance_kubectl::apply),
        scenario!(conformance_kubectl::apply_server),
        scenario!(conformance_kubectl::delete),
        scenario!(conformance_kubectl::deployment),
        scenario!(conformance_kubectl::describe),
        scenario!(conformance_kubectl::discovery),
        scenario!(conformance_kubectl::explain),
        scenario!(conformance_kubectl::get),
        scenario!(conformance_kubectl::logs),
        scenario!(conformance_kubectl::ownership),
        scenario!(conformance_kubectl::patch),
        scenario!(conformance_kubectl::scale),
        scenario!(conformance_kubectl::wait),
    ];
    all.into_iter().map(|it| it.needing(transcript::kubectl)).collect()
}

fn stories() -> Vec<Scenario> {
    vec![
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
        scenario!(canary::anti_affinity_is_renewed_by_an_undo),
        scenario!(blue_green::first_deploy_is_served_when_ready),
        scenario!(blue_green::a_preview_waits_for_promotion),
        scenario!(blue_green::old_pods_stay_for_the_delay),
        scenario!(blue_green::abort_keeps_the_old_version_in_service),
        scenario!(blue_green::promotion_by_itself_after_a_time),
        scenario!(blue_green::a_small_preview_grows_before_the_switch),
        scenario!(blue_green::going_back_within_the_delay_waits_for_nobody),
        scenario!(blue_green::a_missing_service_is_said_and_can_be_created),
        scenario!(blue_green::an_edited_service_is_mended),
        scenario!(blue_green::a_service_that_is_no_longer_named_is_released),
        scenario!(blue_green::a_canary_moves_its_services),
        scenario!(blue_green::an_aborted_canary_gives_its_service_back),
        scenario!(trouble::an_invalid_spec_is_said_and_can_be_cured),
        scenario!(trouble::an_undecodable_rollout_stops_no_other),
        scenario!(trouble::a_killed_controller_loses_nothing),
        scenario!(trouble::an_edit_beside_the_controller_is_never_lost),
        scenario!(trouble::the_spec_stays_as_it_was_written),
        scenario!(crowd::a_broken_object_stops_no_other)
            .wishing(crowd::wishes)
            .needing(counts_writes),
        scenario!(defaults::a_template_equals_what_the_server_makes_of_it),
        scenario!(meddling::a_service_of_another_rollout_is_left_alone),
        scenario!(meddling::services_edited_during_an_update_are_mended),
        scenario!(meddling::services_deleted_during_an_update_can_come_back),
        scenario!(meddling::services_of_a_canary_deleted_during_an_update_can_come_back),
        scenario!(meddling::replica_sets_scaled_by_hand_are_scaled_back),
        scenario!(meddling::replica_sets_of_a_blue_green_scaled_by_hand_are_scaled_back),
        scenario!(meddling::a_deleted_new_replica_set_is_made_again),
        scenario!(meddling::a_deleted_stable_replica_set_holds_the_update),
        scenario!(meddling::a_deleted_stable_replica_set_of_a_blue_green_holds_the_update),
        scenario!(meddling::a_deleted_old_replica_set_is_made_anew_when_it_is_wanted),
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
        scenario!(conformance_odd::odd_requests_are_answered_alike),
        scenario!(leaders::the_standby_goes_on_with_a_canary).only(Place::Real),
        scenario!(leaders::the_standby_goes_on_with_a_switch).only(Place::Real),
        scenario!(leaders::a_graceful_stop_hands_over_at_once).only(Place::Real),
        scenario!(leaders::a_paused_leader_writes_nothing_afterwards).only(Place::Real),
        scenario!(leaders::a_lease_that_is_taken_away_ends_the_leader).only(Place::Real),
        scenario!(leaders::a_deleted_lease_leaves_one_leader).only(Place::Real),
        scenario!(leaders::a_paused_api_server_leaves_one_leader).only(Place::Real),
        scenario!(deploy::standalone_is_applied_and_admitted).only(Place::Real),
        scenario!(deploy_argocd::hooks_are_merged_into_an_applied_argocd_cm).only(Place::Real),
        scenario!(workload_ref::a_deployment_moves_over_and_back_without_losing_a_pod).wishing(availability::wishes),
        scenario!(workload_ref::a_deleted_rollout_gives_the_deployment_its_pods_back),
        scenario!(takeover::canaries),
        scenario!(takeover::blue_greens),
        scenario!(takeover::the_report_writes_nothing).only(Place::Real),
        scenario!(refusals::forbidden).only(Place::Sandbox),
        scenario!(refusals::conflict).only(Place::Sandbox),
        scenario!(refusals::too_many_requests).only(Place::Sandbox),
        scenario!(refusals::server_error).only(Place::Sandbox),
        scenario!(refusals::no_answer).only(Place::Sandbox),
        scenario!(refusals::a_lost_answer_creates_nothing_twice).only(Place::Sandbox),
        scenario!(refusals::refused_content_is_an_invalid_spec).only(Place::Sandbox),
        scenario!(refusals::status_conflicts_are_worked_off).only(Place::Sandbox),
    ]
}

//! Every scenario of the tier, by name.

mod access;
mod agents;
mod annotating;
mod bare_pods;
mod chart;
mod controller;
mod corpus;
mod deployment;
mod fixture;
mod guard;
mod installation;
mod label_updater;
mod leader_last;
mod lockout;
mod manifests;
mod never_sent;
mod opt_in;
mod opt_out;
mod own_authority;
mod plain;
mod reapply;
mod refusals;
mod rendered;
mod same_object;
mod scale;
mod stateful_set;
mod warnings;
mod webhook_down;

use anyhow::Result;

use crate::cluster::Cluster;
pub use plain::SERVERS;

/// Works in namespaces of its own on the shared control plane; an error is its failure.
pub type Scenario = fn(&Cluster) -> Result<()>;

/// Names each function by its own path.
macro_rules! scenarios {
    ($($module:ident::$function:ident,)*) => {
        /// In the order they run in.
        pub const ALL: &[(&str, Scenario)] =
            &[$((concat!(stringify!($module), "::", stringify!($function)), $module::$function),)*];
    };
}

scenarios! {
    fixture::client_and_server_are_the_pinned_version,
    fixture::namespace_is_created_with_its_labels,
    fixture::stateful_set_controller_creates_pods,
    manifests::manifests_are_valid_kubernetes,
    manifests::manifests_are_read_as_kubectl_reads_them,
    rendered::overlays_are_what_manifests_prints,
    chart::chart_is_what_manifests_prints,
    chart::authority_of_files_is_told,
    chart::packaged_chart_is_the_same,
    chart::values_are_checked,
    chart::release_is_installed_upgraded_and_taken_away,
    deployment::manifests_and_kustomize_store_the_same,
    deployment::installing_and_removing_leaves_no_trace,
    installation::rendered_again_is_unchanged,
    installation::live_registration_is_what_was_rendered,
    installation::accounts_again_are_unchanged,
    access::accounts_have_the_documented_rights_only,
    access::label_updater_writes_its_two_keys_only,
    access::dkron_container_has_no_token_and_writes_nothing_of_the_label_updater,
    stateful_set::plain_set_is_stamped_and_its_pods_are_injected,
    bare_pods::bare_servers_are_injected,
    controller::one_apply_is_enough,
    controller::a_bare_pod_waits_for_its_account,
    controller::what_is_made_is_kept,
    controller::what_people_made_is_left_alone,
    controller::nothing_is_left_behind,
    controller::one_replica_acts_at_a_time,
    controller::a_set_from_before_is_told_how_it_is_injected,
    leader_last::followers_go_first_and_each_is_awaited,
    leader_last::a_template_that_never_works_is_mended,
    leader_last::taken_back_it_is_kubernetes_own_again,
    agents::agents_join_the_cluster_that_they_name,
    agents::agents_join_the_only_cluster,
    agents::agents_among_several_clusters_are_refused,
    never_sent::namespaces_without_the_label,
    never_sent::what_is_not_dkron,
    never_sent::what_is_opted_out,
    never_sent::namespaces_of_kubernetes,
    never_sent::mirror_pods,
    reapply::plain_manifest_changes_nothing,
    reapply::plain_manifest_is_reported_as_unchanged,
    reapply::contrary_manifest_changes_nothing,
    reapply::server_side_apply_alone_changes_nothing,
    reapply::contrary_manifest_needs_force_when_its_manager_changes,
    scale::kubectl_scale_needs_no_webhook_for_the_set,
    scale::other_replicas_in_the_manifest_leave_the_template,
    annotating::metadata_and_status_of_a_set_are_never_sent,
    opt_in::set_from_before_is_left_alone_until_restarted,
    opt_out::stamped_set_stays_injected_without_the_label,
    refusals::unknown_annotation_is_answered_with_the_nearest_name,
    refusals::malformed_annotation_is_answered_with_what_is_allowed,
    warnings::size_below_the_replicas,
    warnings::leaving_hook_of_a_bare_pod,
    corpus::webhook_and_inject_agree_on_the_corpus,
    label_updater::edited_re_created_and_rotated_the_label_is_right_again,
    label_updater::stale_label_of_a_killed_leader_is_cleared,
    label_updater::desired_json_follows_the_set,
    label_updater::moves_outage_idleness_and_events,
    own_authority::two_replicas_at_once_make_one_authority_and_are_ready,
    own_authority::readiness_names_what_is_missing,
    own_authority::what_people_damage_heals_while_reviews_go_on,
    webhook_down::only_dkron_waits_for_a_webhook_that_is_down,
    lockout::nobody_but_dkron_is_refused_with_no_replica_ready,
    lockout::guard_refuses_servers_and_nobody_else_without_a_registration,
    guard::stamped_set_waits_until_the_registration_is_back,
    guard::operator_chooses_what_becomes_of_servers,
}

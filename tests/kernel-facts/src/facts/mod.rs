//! The facts by group: one file each.

mod capabilities;
mod ipc_cost;
mod labels;
mod memory;
mod messages;
mod notifications;
mod processes;
mod replies;
mod suspension;
mod undertaker;

use crate::tester::{Outcome, Tester};

type Fact = fn(&mut Tester) -> Outcome;

macro_rules! facts {
    ($($(#[$attribute:meta])* $group:ident::$name:ident),* $(,)?) => {
        /// Every fact by its name.
        pub const ALL: &[(&str, Fact)] = &[$($(#[$attribute])* (stringify!($name), $group::$name)),*];
    };
}

facts! {
    messages::a_message_carries_120_words,
    messages::one_capability_a_message,
    messages::unwrapped_ones_do_not_count,
    messages::capabilities_unwrap_in_calls,
    messages::capabilities_do_not_unwrap_in_replies,
    messages::send_and_call_look_alike,
    messages::call_without_grant_never_returns,
    messages::endpoint_badges_have_28_bits,
    labels::empty_slot_answers_label_2,
    labels::kernel_labels_are_below_256,
    labels::user_labels_do_nothing_to_kernel_objects,
    labels::call_on_a_notification_signals,
    replies::the_reply_is_in_the_receiver,
    replies::a_saved_reply_answers_once,
    replies::save_caller_after_send_leaves_the_slot_empty,
    replies::a_copy_probes_a_saved_reply,
    replies::the_callers_death_deletes_its_saved_reply,
    replies::the_servers_death_leaves_the_caller_waiting,
    notifications::signals_merge,
    notifications::notification_badges_have_64_bits,
    notifications::a_bound_notification_changes_only_the_badge,
    notifications::a_signal_on_an_endpoint_blocks,
    suspension::resume_issues_a_blocked_call_again,
    suspension::a_finished_call_is_not_repeated,
    suspension::a_new_program_counter_aborts_a_call,
    suspension::each_thread_has_its_thread_pointer,
    undertaker::a_fault_tells_address_and_instruction,
    undertaker::the_page_below_the_stack_is_a_guard,
    undertaker::a_dead_thread_answers_from_another_address_space,
    capabilities::a_badge_is_for_good,
    capabilities::cancel_badged_sends_needs_all_rights,
    capabilities::cancelled_sends_are_issued_again,
    capabilities::a_revoked_badge_takes_every_copy,
    capabilities::a_revoked_untyped_is_whole_again,
    processes::a_copied_untyped_goes_with_its_original,
    processes::a_bound_notification_is_nobody_elses,
    processes::threads_are_charged_for_their_time,
    memory::thread_locals_work,
    memory::the_ipc_buffers_first_word_is_ours,
    memory::a_deleted_copy_is_unmapped,
    #[cfg(target_arch = "aarch64")]
    memory::read_only_pages_cannot_be_invalidated,
    ipc_cost::ipc_cost,
    #[cfg(target_arch = "x86_64")]
    memory::interrupts_that_come_together_do_no_harm,
}

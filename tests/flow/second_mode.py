"""The flows that end otherwise on an MDM server without a queue view and a list of devices.

`tools/test --mdm=plain tests/flow` runs all flows on such a server. Those that are named here, by
file and test, all cases of it or one, must fail there; each says what holds instead. What is more
than another number is held by tests/flow/test_second_mode.py.
"""

from collections.abc import Mapping

NO_LIST = "nothing is read for devices, and sync says that there is no list"
NO_QUESTION = "doctor asks for the version only; the first command tries the key"
WARNED = "doctor warns that the server cannot list its devices, beside what else it finds"
NEW = "a new bridge knows no device before it checks in, and the first plan adds none"
HOLDS_UP = (
    "what a device never answers, or in a way that its server does not take, holds up what is "
    "behind it in the server's queue, the list of apps as well"
)
CLEARED = "that somebody cleared the queue shows when the device comes once more, a day later"
NOT_BLIND = "a server without a list is never blind: what is known by check-ins is all there is"
STAYS = "who leaves without a word counts as enrolled, and as silent some day"
NEW_UUID = "it goes again under a new CommandUUID, since the server takes none twice"
UNHEARD = "whose check-ins were lost is not known before the next one"
NOT_MISSED = "what no queue shows is not missed in one: its device is pushed to, then asked"
NEXT_WAITS = "a device's next command waits for the webhook of the one before, however late it is"
ONE_PUSH_MORE = "a device that does not come is pushed to after a minute, too"
NOT_TOLD = "without a list nobody can tell a quiet fleet from a dead webhook: all is kept"
LEFT_OUT = "a server without a list leaves nobody out: who is silent there counts as silent"

_REASONS: Mapping[str, tuple[str, ...]] = {
    NO_LIST: (
        "test_cli_sync::test_alone_it_reads_all_and_writes_nothing_outside",
        "test_cli_sync::test_alone_it_sends_nothing_that_is_due",
        "test_cli_sync::test_only_what_was_asked_for_is_read[devices-called2]",
        "test_cli_sync::test_only_what_was_asked_for_is_read[all-called3]",
        "test_cli_sync::test_what_fails_is_one_line_each_and_the_others_go_on",
        "test_cli_sync::test_with_an_engine_the_engine_reads",
        "test_cli_sync::test_an_engine_that_fails_is_told_in_its_words",
        "test_cli_sync::test_a_read_that_failed_before_is_waited_for",
        "test_log::test_a_command_logs_where_it_is_asked_to",
        "test_pauses::test_reads_that_need_a_post_say_so",
        "test_restart_needed::"
        "test_what_the_engine_does_not_know_yet_cannot_be_read_and_says_why[devices]",
        "test_serials::test_a_list_of_devices_tells_none_as_well",
        "test_odd_rows::test_an_odd_record_of_a_server_is_no_device_that_left",
        "test_how_to::test_a_wish_of_an_operator[1]",
        "test_how_to::test_a_wish_of_an_operator[3]",
        "test_how_to::test_a_wish_of_an_operator[19]",
    ),
    LEFT_OUT: ("test_reclaiming::test_an_mdm_server_that_lost_its_data",),
    NOT_TOLD: ("test_reclaiming::test_a_quiet_fleet_is_no_dead_webhook",),
    NO_QUESTION: (
        "test_cli_doctor::test_an_mdm_server_that_answers_ill[fault0-401]",
        "test_cli_doctor::test_an_mdm_server_that_answers_ill[fault2-refused GET /v1/commands]",
        "test_cli_doctor::test_an_mdm_server_that_answers_ill[fault3-cannot be used]",
        "test_cli_doctor::test_an_mdm_server_that_is_too_old",
        "test_cli_doctor::test_nothing_is_written_outside",
        "test_cli_init::test_what_is_not_said_is_asked_for",
        "test_cli_init::test_what_does_not_work_is_said_and_nothing_written[other0-MDM main]",
    ),
    WARNED: ("test_cli_doctor::test_a_person_reads_a_line_for_each_finding",),
    NEW: ("test_cli_init::test_from_nothing_to_the_first_app",),
    NOT_BLIND: (
        "test_blind::test_a_blind_plan_says_so_first_and_an_apply_is_refused",
        "test_blind::test_named_devices_need_no_list",
        "test_blind::test_every_rule_that_an_app_uses_counts"
        "[{g: {match: {product_name: 'iPad*'}}}-groups: [g]]",
        "test_blind::test_every_rule_that_an_app_uses_counts"
        "[{named: {serials: [A1]}, g: {match: {product_name: 'iPad*'}}}-groups: [named, g]]",
        "test_blind::test_every_rule_that_an_app_uses_counts"
        "[{named: {serials: [A1]}, g: {all: true}}-groups: [named], exclude: [g]]",
        "test_blind::test_offline_it_is_stored_and_what_was_not_shown_waits_for_another_apply",
        "test_blind::test_offline_it_waits_also_for_a_device_that_came_by_itself",
        "test_blind::test_offline_a_device_that_enrols_later_is_served",
        "test_blind::test_paused_it_is_blind_only_if_the_list_is_old",
        "test_blind::test_the_api_goes_by_when_the_list_was_last_read",
        "test_blind::test_the_api_knows_that_the_newest_read_failed",
    ),
    STAYS: (
        "test_identity::test_a_device_that_left_without_a_word_is_found_gone",
        "test_identity::test_one_list_that_is_empty_by_mistake_changes_nothing",
    ),
    NEW_UUID: (
        "test_doubt::test_a_command_that_the_server_lost_goes_out_again_as_itself",
        "test_tolerates::test_1_a_queue_that_loses_commands_and_brings_back_answered_ones"
        "[at once-lost]",
    ),
    UNHEARD: (
        "test_groups::test_an_enrolment_that_no_webhook_told_of_is_served_once_a_list_has_shown_it",
        "test_road::test_an_app_that_is_there_already_is_adopted",
        "test_unreadable::test_a_device_whose_description_cannot_be_read_is_not_taken_for_no_mac",
        "test_odd_numbers::test_no_number_breaks_anything",
    ),
    NOT_MISSED: (
        "test_lag::test_webhooks_that_end_in_a_lag_are_silent_after_all",
        "test_moving::test_a_command_in_doubt_is_left_behind",
    ),
    NEXT_WAITS: (
        "test_lag::test_a_device_goes_on_without_its_webhooks",
        "test_dead_webhook::test_what_was_under_way_goes_on_soon_after_a_short_outage[3]",
        "test_dead_webhook::test_what_was_under_way_goes_on_soon_after_a_short_outage[20]",
    ),
    ONE_PUSH_MORE: (
        "test_silence::test_a_year_of_silence[associating]",
        "test_silence::test_a_year_of_silence[sent]",
        "test_silence::test_a_year_of_silence[acknowledged]",
        "test_silence::test_a_year_of_silence[installing]",
        "test_tolerates::test_9_a_device_that_was_off_when_it_was_pushed",
    ),
    CLEARED: (
        "test_odd_status::test_a_cleared_queue_is_seen[ManagedApplicationList-True]",
        "test_odd_status::test_a_cleared_queue_is_seen[DeviceInformation-True]",
        "test_odd_status::test_after_the_queue_is_cleared_the_install_is_sent_again",
    ),
    "the server is not asked who is there: devices that checked in before are told of as such": (
        "test_doubt::test_while_the_mdm_server_is_down_things_wait_and_then_go_on",
        "test_plan::test_offline_it_reads_nothing_and_says_so",
        "test_plan::test_paused_it_asks_no_mdm_server",
    ),
    HOLDS_UP: (
        "test_message_counts::test_a_device_that_ignores_an_install_costs_a_few_calls_a_day",
        *(
            "test_odd_answers::test_a_status_that_nobody_knows_costs_a_few_calls"
            f"[InstallApplication-{status}]"
            for status in ("'Odd'", "''", "'acknowledged'", "gone", "5", "True", "['x']", "{}")
        ),
        "test_odd_answers::test_a_removal_whose_status_nobody_knows_costs_a_few_calls",
        "test_odd_status::test_an_install_is_not_sent_twice_and_holds_up_no_other",
        "test_reasons::test_a_reason_comes_about_and_is_explained[NOT_ANSWERED]",
        "test_odd_answers::test_one_odd_thing_holds_up_its_own_app_and_costs_a_few_calls[309]",
        "test_odd_answers::test_one_odd_thing_holds_up_its_own_app_and_costs_a_few_calls[346]",
        "test_tolerates::test_8_an_answer_that_the_server_cannot_read_holds_up_nothing_else",
    ),
}

BY_CHANCE = frozenset({"test_odd_numbers::test_no_number_breaks_anything"})
"""Those that chance lets pass at times."""

OTHERWISE: Mapping[str, str] = {name: why for why, names in _REASONS.items() for name in names}

//! The places at which a test ends the process.

use import::writing::Step;

/// Every place, in the order in which a document passes them. Those behind
/// `import.after_outcome_local` hang on what came before: a fault, a wait, a foreign number.
pub const FAULT_POINTS: [&str; 27] = [
    "import.before_accept_local",
    "import.after_accept_local",
    "import.after_accept_hub",
    "import.after_validate",
    "import.after_plan",
    "import.after_session",
    "import.after_number",
    "import.after_allot",
    "import.after_reserve_local",
    "import.after_reserve_hub",
    "import.after_write_started",
    "import.before_set_key",
    "import.after_set_key",
    "import.header_set",
    "import.line_written",
    "import.before_header_write",
    "import.after_header_write",
    "import.after_enter",
    "import.after_read_back",
    "import.after_pass",
    "import.before_outcome_local",
    "import.after_outcome_local",
    "import.after_report",
    "import.after_mark_reported",
    "import.after_kill",
    "import.after_fence",
    "import.after_write_ended",
];

/// The place of a step inside entering a record.
pub(super) const fn of_step(step: Step) -> &'static str {
    match step {
        Step::BeforeSetKey => "import.before_set_key",
        Step::AfterSetKey => "import.after_set_key",
        Step::HeaderSet => "import.header_set",
        Step::LineWritten(_) => "import.line_written",
        Step::BeforeHeaderWrite => "import.before_header_write",
        Step::AfterHeaderWrite => "import.after_header_write",
    }
}

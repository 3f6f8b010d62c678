//! What a program's exit code says, for every program of this project.

use caxton_model::load::outcome::LoadVerdict;
use caxton_model::paired::comparison::Conclusion;

pub const FINE: u8 = 0;
/// A case failed, or a version answers otherwise than the one it is compared with.
pub const FAILED: u8 = 1;
/// Wrong use, or a broken set-up.
pub const WRONG_USE: u8 = 2;
pub const REGRESSED: u8 = 3;
/// Nothing to compare with, only part of it, or an environment that cannot be trusted.
pub const NOT_COMPARABLE: u8 = 4;
/// Something stayed open; only where the user asked for certainty.
pub const INCONCLUSIVE: u8 = 5;
pub const LIMIT_MISSED: u8 = 99;
/// Ctrl-C, as shells count it.
pub const INTERRUPTED: u8 = 130;

/// Every exit code, and what it says.
pub const CODES: [(u8, &str); 8] = [
    (FINE, "fine"),
    (FAILED, "a case failed"),
    (WRONG_USE, "wrong use, a broken set-up, or output that could not be written"),
    (REGRESSED, "something got worse"),
    (NOT_COMPARABLE, "nothing to compare with or to keep, or an environment not to be trusted"),
    (INCONCLUSIVE, "inconclusive (with --strict)"),
    (LIMIT_MISSED, "a hard limit, or a threshold of a load, was missed"),
    (INTERRUPTED, "interrupted"),
];

/// [`CODES`] as the end of each program's `--help`.
pub fn help() -> String {
    let line = |(code, says): &(u8, &str)| format!("\n  {code:>3}  {says}");
    format!("Exit codes:{}", CODES.iter().map(line).collect::<String>())
}

/// The exit code of `conclusion`; `is_strict`: what stayed open is not fine.
pub const fn of(conclusion: Conclusion, is_strict: bool) -> u8 {
    match conclusion {
        Conclusion::Fine => FINE,
        Conclusion::Regressed => REGRESSED,
        Conclusion::Failed | Conclusion::DifferentAnswers => FAILED,
        Conclusion::NotComparable => NOT_COMPARABLE,
        Conclusion::Inconclusive if is_strict => INCONCLUSIVE,
        Conclusion::Inconclusive => FINE,
        Conclusion::Interrupted => INTERRUPTED,
    }
}

/// The exit code of loads with these verdicts: that of the worst.
pub fn of_loads(verdicts: impl IntoIterator<Item = LoadVerdict>) -> u8 {
    let verdicts: Vec<LoadVerdict> = verdicts.into_iter().collect();
    if verdicts.contains(&LoadVerdict::Fail) {
        LIMIT_MISSED
    } else if verdicts.contains(&LoadVerdict::Invalid) {
        NOT_COMPARABLE
    } else {
        FINE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_open_depends_on_strictness() {
        let all = [
            (Conclusion::Fine, 0),
            (Conclusion::Failed, 1),
            (Conclusion::DifferentAnswers, 1),
            (Conclusion::Regressed, 3),
            (Conclusion::NotComparable, 4),
            (Conclusion::Interrupted, 130),
        ];
        for (conclusion, code) in all {
            assert_eq!([false, true].map(|s| of(conclusion, s)), [code; 2], "{conclusion:?}");
        }
        assert_eq!([false, true].map(|s| of(Conclusion::Inconclusive, s)), [0, 5]);
    }

    #[test]
    fn the_table_has_each_code_once_and_in_order() {
        assert!(CODES.is_sorted_by(|a, b| a.0 < b.0));
        let help = help();
        assert_eq!(help.lines().count(), 1 + CODES.len());
        assert!(help.contains("\n   99  a hard limit"), "{help}");
    }

    #[test]
    fn the_worst_load_is_what_a_run_ends_in() {
        use LoadVerdict::{Fail, Invalid, Pass, Unclear};
        assert_eq!(of_loads([Pass, Invalid, Fail]), 99);
        assert_eq!(of_loads([Invalid, Unclear]), 4);
        assert_eq!(of_loads([Pass, Unclear]), 0);
        assert_eq!(of_loads([]), 0);
    }
}

//! Whether a terminal is sent escape sequences: one rule for all programs of this project, and for
//! colours and progress bars alike.

use std::ffi::OsString;

/// True where escape sequences are welcome on a stream. `variable` looks one up in the environment.
///
/// `NO_COLOR` (<https://no-color.org>) comes first, then `CLICOLOR_FORCE` and `CLICOLOR`
/// (<https://bixense.com/clicolors>); a terminal of type `dumb`, or of none, has no escapes.
pub fn wants_escapes(is_terminal: bool, variable: impl Fn(&str) -> Option<OsString>) -> bool {
    let value = |name: &str| variable(name).filter(|value| !value.is_empty());
    if value("NO_COLOR").is_some() {
        return false;
    }
    if value("CLICOLOR_FORCE").is_some_and(|value| value != "0") {
        return true;
    }
    let has_escapes = value("TERM").is_some_and(|term| term != "dumb");
    let is_off = value("CLICOLOR").is_some_and(|value| value == "0");
    is_terminal && has_escapes && !is_off
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_and_the_terminal_decide_together() {
        let xterm = ("TERM", "xterm-256color");
        for (is_terminal, variables, expected) in [
            (true, &[xterm][..], true),
            (false, &[xterm], false),
            (true, &[], false),
            (true, &[("TERM", "dumb")], false),
            (true, &[("TERM", "")], false),
            (true, &[xterm, ("NO_COLOR", "1")], false),
            (true, &[xterm, ("NO_COLOR", "")], true),
            (true, &[xterm, ("CLICOLOR", "0")], false),
            (true, &[xterm, ("CLICOLOR", "1")], true),
            (false, &[xterm, ("CLICOLOR", "1")], false),
            (false, &[("CLICOLOR_FORCE", "1")], true),
            (false, &[("CLICOLOR_FORCE", "0")], false),
            (true, &[("TERM", "dumb"), ("CLICOLOR_FORCE", "1")], true),
            (true, &[xterm, ("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")], false),
        ] {
            let variable = |name: &str| {
                let found = variables.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| OsString::from(value))
            };
            assert_eq!(
                wants_escapes(is_terminal, variable),
                expected,
                "{is_terminal} {variables:?}"
            );
        }
    }
}

//! The command that does it again.

use caxton_model::case::{CAXTON, PEERS};
use caxton_model::record::Run;

/// What a run was started with; with its seed, which chance had from somewhere.
pub(crate) fn again(run: &Run) -> String {
    let mut words: Vec<String> = Vec::new();
    words.extend(run.command.iter().filter(|word| *word != "--bench").map(|word| quoted(word)));
    if run.suite == CAXTON {
        // Its own program, which chance has no part in.
        return words.join(" ");
    }
    if !run.command.iter().any(|word| word.starts_with("--seed")) {
        words.push(format!("--seed {}", run.seed));
    }
    if run.suite == PEERS {
        return words.join(" ");
    }
    format!("cargo bench --bench {} -- {}", quoted(&run.suite), words.join(" "))
}

/// A word as a shell takes it.
pub fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./=,:@%+".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_quoted_for_a_shell() {
        let (mut record, _) = caxton_fixture::run();
        record.run.command = ["a'b|c$", "--scale", "full", "--bench"].map(str::to_owned).to_vec();
        let expected = r"cargo bench --bench wasm -- 'a'\''b|c$' --scale full --seed 42";
        assert_eq!(again(&record.run), expected);
        record.run.command = vec!["--seed=7".to_owned()];
        assert_eq!(again(&record.run), "cargo bench --bench wasm -- --seed=7");
        record.run.suite = CAXTON.to_owned();
        record.run.command = ["scripts/caxton", "6"].map(str::to_owned).to_vec();
        assert_eq!(again(&record.run), "scripts/caxton 6");
        record.run.suite = PEERS.to_owned();
        record.run.command = ["scripts/peers", "--agents", "10"].map(str::to_owned).to_vec();
        assert_eq!(again(&record.run), "scripts/peers --agents 10 --seed 42");
    }
}

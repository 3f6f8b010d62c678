//! The trials: in which order they run, how one is written down, and how they add up.

use crate::peer::{Tool, Verdict};
use std::fmt::Write;

/// The first line of a file of trials.
pub const HEAD: &str = "tool,planted_percent,trial,verdict,seconds";

/// The last line of the table.
const FOOT: &str =
    "Old and new are the same machine code: at +0 % each \"slower\" or \"faster\" is false.\n";

/// One thing to do in a round, with the slow-down of the new version in percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// criterion measures the old version.
    Save(u32),
    /// criterion measures the new version against it.
    Compare(u32),
    /// tango measures both.
    Tango(u32),
}

/// One trial per tool and level in random order. Between the two steps of criterion lies whatever
/// chance puts there, as in real use lies other work.
pub fn round(levels: &[u32], rng: &mut fastrand::Rng) -> Vec<Step> {
    let steps = |level: &u32| [Step::Compare(*level), Step::Compare(*level), Step::Tango(*level)];
    let mut steps: Vec<Step> = levels.iter().flat_map(steps).collect();
    rng.shuffle(&mut steps);
    for level in levels {
        let first = steps.iter_mut().find(|step| **step == Step::Compare(*level));
        *first.expect("each level is compared") = Step::Save(*level);
    }
    steps
}

/// One verdict of one tool.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    /// Whose verdict.
    pub tool: Tool,
    /// By how much the new version was slower.
    pub planted_percent: u32,
    /// From 1, within its run.
    pub number: u32,
    /// The verdict.
    pub verdict: Verdict,
    /// What it took, saved numbers included.
    pub seconds: f64,
}

impl Trial {
    /// The trial as a line of a file, without the line's end.
    pub fn line(&self) -> String {
        let Self { tool, planted_percent, number, verdict, seconds } = self;
        format!("{},{planted_percent},{number},{},{seconds:.3}", tool.name(), verdict.name())
    }

    /// Reads a line of a file.
    pub fn parse(line: &str) -> Option<Self> {
        let fields: Vec<&str> = line.split(',').collect();
        let [tool, planted_percent, number, verdict, seconds] = fields[..] else { return None };
        Some(Self {
            tool: Tool::ALL.into_iter().find(|known| known.name() == tool)?,
            planted_percent: planted_percent.parse().ok()?,
            number: number.parse().ok()?,
            verdict: Verdict::ALL.into_iter().find(|known| known.name() == verdict)?,
            seconds: seconds.parse().ok()?,
        })
    }
}

/// The table: a row for each tool and level that has trials.
pub fn table(trials: &[Trial]) -> String {
    let mut table = format!(
        "{:<18} {:>7} {:>6} {:>12} {:>12} {:>13}\n",
        "tool", "planted", "trials", "\"slower\"", "\"faster\"", "median s each"
    );
    let mut kinds: Vec<(Tool, u32)> = trials.iter().map(|t| (t.tool, t.planted_percent)).collect();
    kinds.sort_unstable();
    kinds.dedup();
    for (tool, percent) in kinds {
        let is_of = |t: &&Trial| (t.tool, t.planted_percent) == (tool, percent);
        let own: Vec<&Trial> = trials.iter().filter(is_of).collect();
        let share = |verdict: Verdict| {
            let count = own.iter().filter(|trial| trial.verdict == verdict).count();
            format!("{count} ({:.0} %)", 100.0 * count as f64 / own.len() as f64)
        };
        let seconds = median(own.iter().map(|trial| trial.seconds).collect());
        let (slower, faster) = (share(Verdict::Regressed), share(Verdict::Improved));
        let (name, trials) = (tool.name(), own.len());
        let planted = format!("+{percent} %");
        writeln!(
            table,
            "{name:<18} {planted:>7} {trials:>6} {slower:>12} {faster:>12} {seconds:>13.1}"
        )
        .expect("a string takes it");
    }
    table.push_str(FOOT);
    table
}

/// The median of a list that is not empty.
fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    let middle = numbers.len() / 2;
    if numbers.len() % 2 == 1 {
        numbers[middle]
    } else {
        f64::midpoint(numbers[middle - 1], numbers[middle])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trial(tool: Tool, planted_percent: u32, verdict: Verdict, seconds: f64) -> Trial {
        Trial { tool, planted_percent, number: 1, verdict, seconds }
    }

    #[test]
    fn each_level_is_saved_before_it_is_compared_and_the_order_varies() {
        let levels = [0, 1, 2, 5];
        let mut rng = fastrand::Rng::with_seed(7);
        let rounds: Vec<Vec<Step>> = (0..20).map(|_| round(&levels, &mut rng)).collect();
        for steps in &rounds {
            assert_eq!(steps.len(), 3 * levels.len());
            for level in levels {
                let at = |wanted: Step| {
                    let places = (0..).zip(steps).filter(|(_, step)| **step == wanted);
                    let places: Vec<usize> = places.map(|(at, _)| at).collect();
                    assert_eq!(places.len(), 1, "{wanted:?} in {steps:?}");
                    places[0]
                };
                assert!(at(Step::Save(level)) < at(Step::Compare(level)));
                at(Step::Tango(level));
            }
        }
        assert_ne!(rounds[0], rounds[1]);
        assert_eq!(rounds[0], round(&levels, &mut fastrand::Rng::with_seed(7)));
    }

    #[test]
    fn a_line_is_read_as_it_was_written() {
        for (tool, verdict) in Tool::ALL.into_iter().zip(Verdict::ALL) {
            let trial = trial(tool, 5, verdict, 1.25);
            assert_eq!(Trial::parse(&trial.line()), Some(trial));
        }
        let line = "tango-bench 0.9.0,2,14,unchanged,1.210";
        assert_eq!(Trial::parse(line).map(|trial| trial.line()).as_deref(), Some(line));
        for bad in
            ["", HEAD, "tango-bench 0.9.0,2,14,unchanged", "tango-bench 0.8.0,2,1,improved,1"]
        {
            assert_eq!(Trial::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_table_counts_each_tool_and_level() {
        use {Tool::*, Verdict::*};
        let trials = [
            trial(Tango, 0, Unchanged, 1.0),
            trial(Criterion, 5, Regressed, 8.0),
            trial(Criterion, 0, Regressed, 9.0),
            trial(Criterion, 0, Unchanged, 7.0),
            trial(Criterion, 0, Improved, 6.0),
            trial(Criterion, 0, Unchanged, 8.0),
        ];
        let rows: Vec<String> = table(&trials).lines().skip(1).map(str::to_owned).collect();
        let expected = [
            "criterion 0.8.2       +0 %      4     1 (25 %)     1 (25 %)           7.5",
            "criterion 0.8.2       +5 %      1    1 (100 %)      0 (0 %)           8.0",
            "tango-bench 0.9.0     +0 %      1      0 (0 %)      0 (0 %)           1.0",
        ];
        assert_eq!(rows[..3], expected);
        assert_eq!(rows.len(), 4);
    }

    #[test]
    fn a_median_lies_in_the_middle() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0, 3.0, 2.0]), 2.5);
    }
}

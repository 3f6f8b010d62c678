//! The worker of a comparison: one fresh process, one launch, one case, block by block as told.

use crate::job::launch::Event;
use crate::job::scale::Effort;
use crate::job::scale::Scale;
use crate::job::{CountedPhase, Instructions};
use crate::measure::child::attributed;
use crate::measure::turns::wire::{Answer, Command, Lane, Order, TURNS, Want};
use crate::timing::context::Context;
use crate::workload::instructions;
use crate::workload::turns::{Stage, counts};
use caxton_analysis::paired::exact::is_compared;
use caxton_model::case::Outcome;
use caxton_model::metric::Class;
use caxton_model::samples::Sample;
use caxton_runtime::subject::Attempt;
use caxton_sys::clock::Monotonic;
use caxton_sys::{affinity, process};
use serde::Deserialize;
use std::io::{self, BufRead, Write};
use std::path::Path;
use std::process::ExitCode;

/// Longest line that is read.
const LINE_BYTES_MAX: u64 = 1 << 20;

/// Reads an order and commands from standard input, and answers on standard output.
pub fn main() -> ExitCode {
    let Ok(out) = process::take_stdout() else { return ExitCode::FAILURE };
    let mut talk = Talk { input: io::stdin().lock(), out };
    let end = match talk.order() {
        Ok(order) => work(&order, &mut talk).err().map_or(Outcome::Ran, attributed),
        Err(why) => Outcome::Failed(why),
    };
    talk.say(&Answer::End(end));
    ExitCode::SUCCESS
}

struct Talk<R, W> {
    input: R,
    out: W,
}

impl<R: BufRead, W: Write> Talk<R, W> {
    /// A line to the comparison. If it is gone, the next line that is read says so.
    fn say(&mut self, answer: &Answer) {
        if let Ok(mut line) = serde_json::to_vec(answer) {
            line.push(b'\n');
            let _ = self.out.write_all(&line).and_then(|()| self.out.flush());
        }
    }

    fn line(&mut self) -> Result<String, String> {
        let mut line = String::new();
        let mut input = io::Read::take(&mut self.input, LINE_BYTES_MAX);
        match input.read_line(&mut line) {
            Ok(0) => Err("standard input has ended".to_owned()),
            Ok(_) => Ok(line),
            Err(error) => Err(format!("standard input: {error}")),
        }
    }

    /// The order. Its version is read first: all else may look different in another one.
    fn order(&mut self) -> Result<Order, String> {
        #[derive(Deserialize)]
        struct AnyVersion {
            turns: u32,
        }
        let line = self.line()?;
        let none = |error: serde_json::Error| format!("no order on standard input: {error}");
        let AnyVersion { turns } = serde_json::from_str(&line).map_err(none)?;
        if turns != TURNS {
            return Err(format!(
                "protocol {turns} of comparisons asked of an executable that speaks {TURNS}"
            ));
        }
        serde_json::from_str(&line).map_err(none)
    }

    fn command(&mut self) -> Attempt<Command> {
        let failed = |why: String| Outcome::Failed(format!("no command: {why}"));
        let line = self.line().map_err(failed)?;
        serde_json::from_str(&line).map_err(|error| failed(error.to_string()))
    }

    /// Tells those of `samples` that are asked for.
    fn tell(&mut self, samples: Vec<Sample>, is_wanted: impl Fn(&Sample) -> bool) {
        for sample in samples.into_iter().filter(is_wanted) {
            let Sample { metric, index, iterations, value, .. } = sample;
            let metric = metric.as_str().to_owned();
            self.say(&Answer::Reading { metric, index, iterations, value });
        }
    }
}

fn work(order: &Order, talk: &mut Talk<impl BufRead, impl Write>) -> Attempt<()> {
    if let Some(core) = order.core {
        affinity::pin_to(core).map_err(|error| Outcome::Failed(format!("CPU {core}: {error}")))?;
    }
    let (mut samples, mut profiles, mut codes) = (Vec::new(), Vec::new(), Vec::new());
    let mut take = |event: Event| match event {
        Event::Sample(sample) => samples.push(sample),
        Event::Profile { profile, .. } => profiles.push(profile),
        Event::Code { sha256, .. } => codes.push(sha256),
        _ => {}
    };
    let mut ctx = Context {
        clock: &Monotonic,
        rng: fastrand::Rng::with_seed(order.seed),
        effort: effort(order.want),
        launch: order.launch,
        core: order.core,
        agent: &order.agent,
        case: &order.case,
        tell: &mut take,
    };
    if order.want == Want::Counts {
        talk.say(&Answer::Loaded);
        counts(&mut ctx, &order.scratch)?;
        talk.tell(samples, |sample| is_compared(sample.metric.metric()));
        return Ok(());
    }
    if order.want == Want::Instructions {
        talk.say(&Answer::Loaded);
        // One of a version's processes is enough to see which function it is.
        let job = Instructions::of(None, order.launch == 0);
        let (job, out) = match &order.counts {
            Some(out) => (job, out.as_path()),
            None => (job.of_phase(CountedPhase::Code), Path::new("")),
        };
        instructions::run(&mut ctx, &job, out, &order.scratch.join("code"))?;
        talk.tell(samples, |sample| is_compared(sample.metric.metric()));
        for code in codes {
            talk.say(&Answer::Code(code));
        }
        for profile in profiles {
            talk.say(&Answer::Profile(profile));
        }
        return Ok(());
    }
    let stage = Stage::load(&mut ctx, &order.scratch)?;
    talk.say(&Answer::Loaded);
    let Command::Prepare = talk.command()? else { return Err(out_of_order()) };
    let mut participants = stage.prepare(&mut ctx, order.example_seed)?;
    let lane = |(metric, iterations, samples)| Lane { metric, iterations, samples };
    talk.say(&Answer::Ready {
        lanes: participants.lanes().map(lane).collect(),
        reply: Some(participants.reply()),
    });
    loop {
        match talk.command()? {
            Command::Block { lane, iterations, samples } => {
                let times = participants.block(&ctx, lane, iterations, samples)?.to_vec();
                talk.say(&Answer::Times(times));
            }
            Command::Finish => break,
            Command::Prepare => return Err(out_of_order()),
        }
    }
    participants.finish(&mut ctx)?;
    talk.tell(samples, |sample| sample.metric.metric().class == Class::Noisy);
    Ok(())
}

fn out_of_order() -> Outcome {
    Outcome::Failed("a command out of its order".to_owned())
}

fn effort(want: Want) -> Effort {
    let checked = Scale::Smoke.effort();
    match want {
        Want::Counts | Want::Instructions => checked,
        Want::Turns { block, samples_max, instances } => {
            Effort { samples_per_block: samples_max.max(1), block, instances, ..checked }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn talk(input: &str) -> Talk<&[u8], Vec<u8>> {
        Talk { input: input.as_bytes(), out: Vec::new() }
    }

    #[test]
    fn another_version_is_refused_before_anything_else_is_read() {
        let why = talk("{\"turns\":2,\"what\":[]}\n").order().expect_err("another version");
        assert_eq!(why, "protocol 2 of comparisons asked of an executable that speaks 1");
        let why = talk("{\"turns\":1}\n").order().expect_err("no order");
        assert!(why.starts_with("no order on standard input: missing field"), "{why}");
        assert_eq!(talk("").order(), Err("standard input has ended".to_owned()));
    }

    #[test]
    fn a_comparison_that_goes_away_ends_the_worker() {
        let gone = talk("").command().expect_err("nobody there");
        assert_eq!(gone.reason(), Some("no command: standard input has ended"));
        assert!(talk("\"dance\"\n").command().is_err());
        assert_eq!(talk("\"prepare\"\n").command(), Ok(Command::Prepare));
    }
}

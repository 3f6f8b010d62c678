//! The user's words about loads.

use super::super::args::parse_time;
use super::super::error::CommandError;
use super::super::place::as_the_user_means;
use crate::job::load::LoadTarget;
use crate::job::scale::Scale;
use crate::suite::Loads;
use crate::suite::scenarios::case_name;
use caxton_model::file;
use caxton_model::load::file::{CAP, TIMEOUT};
use caxton_model::load::plan::{Arrivals, LoadPlan, Pacing, Stage};
use caxton_model::load::threshold::Threshold;
use caxton_model::units::{Bytes, Nanos};
use caxton_monitor::is_url;
use clap::ArgGroup;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What is wanted of loads; only `cargo bench --bench scenarios` has any.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(
    next_help_heading = "Loads",
    group = ArgGroup::new("own_load").args(["plan", "stage"]).multiple(true)
)]
pub(super) struct LoadArgs {
    /// Put this load on the agents instead of the guide's: TOML (see harness/docs/load-tests.md);
    /// may be repeated
    #[arg(long, value_name = "FILE")]
    pub plan: Vec<PathBuf>,

    /// A stage of a load of your own, such as name=burst,length=10s,rate=50000 or
    /// name=ramp,length=1m,rate=0..10000; may be repeated
    #[arg(long, value_name = "STAGE", value_parser = Stage::parse, conflicts_with = "plan")]
    pub stage: Vec<Stage>,

    /// What must hold of it, such as 'response_time{stage:burst} p(99)<10ms'; may be repeated
    #[arg(long, value_name = "THRESHOLD", requires = "stage")]
    pub threshold: Vec<Threshold>,

    /// How its messages lie within the rate
    #[arg(hide_short_help = true,
          long, value_name = "HOW", value_parser = parse_arrivals, requires = "stage",
          conflicts_with = "closed", default_value = "constant")]
    pub arrivals: Arrivals,

    /// Agents that take its messages
    #[arg(
        hide_short_help = true,
        long,
        value_name = "N",
        requires = "stage",
        default_value_t = 100
    )]
    pub agents: u32,

    /// Length of its messages
    #[arg(
        hide_short_help = true,
        long,
        value_name = "SIZE",
        requires = "stage",
        default_value = "1KiB"
    )]
    pub message: Bytes,

    /// Response time that it is about: a generator that is late by a tenth of it is not believed
    #[arg(hide_short_help = true,
          long, value_name = "TIME", value_parser = parse_time, requires = "stage",
          default_value = "100ms")]
    pub slo: Nanos,

    /// Its most messages in flight: more are dropped, and counted
    #[arg(hide_short_help = true,
          long, value_name = "N", requires = "stage", default_value_t = CAP)]
    pub cap: u64,

    /// Keep so many in flight and send the next on an answer: a closed loop, as fast as it goes
    #[arg(hide_short_help = true, long, value_name = "N", requires = "stage")]
    pub closed: Option<u64>,

    /// Time for each load, such as 60s; what it wants beyond that is cut, and said
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub time: Option<Nanos>,

    /// Put a load of your own on a program instead of agents: it reads a number per line, and
    /// answers each with that number on a line, which it must flush. Arguments are parted by
    /// blanks; one with a blank in it stands in quotation marks, as in a shell: --program
    /// 'python3 "my target.py"'
    #[arg(long, value_name = "WORDS", value_parser = parse_words, requires = "own_load",
          conflicts_with_all = ["agents", "message", "plant_leak"])]
    pub program: Option<Words>,

    /// Read what the program says of itself meanwhile, and say where that and what was seen
    /// contradict each other: the URL of its metrics, in Prometheus' text format
    #[arg(hide_short_help = true, long, value_name = "URL", value_parser = parse_url,
          requires = "program")]
    pub scrape: Option<String>,

    /// Go on with the loads of this run: those that ended are kept, the one that was cut off goes
    /// on where it was, with its gap marked
    #[arg(hide_short_help = true, long, value_name = "RUN",
          conflicts_with_all = ["plan", "stage", "time", "program", "plant_leak", "out", "filters",
                                "list", "test", "scale", "quick", "seed", "save_baseline",
                                "baseline", "restarts", "generators"])]
    pub resume: Option<PathBuf>,

    /// Leave so many bytes of the host's heap behind at each answer, to see the leak found
    #[arg(hide_short_help = true, long, value_name = "BYTES", default_value_t = 0)]
    pub plant_leak: u32,

    /// Restarts that each agent is allowed within a second where a load kills agents, 5 if this is
    /// not given: with 0 who dies stays dead
    #[arg(hide_short_help = true, long, value_name = "N", conflicts_with = "program")]
    pub restarts: Option<u32>,

    /// Threads that generate the messages, each its part of the one schedule, instead of as many
    /// as the rate takes and the cores allow; for loads on a program, and for generator
    #[arg(hide_short_help = true, long, value_name = "N", conflicts_with = "closed")]
    pub generators: Option<u32>,
}

/// A program and its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Words(Vec<String>);

impl Words {
    /// Whether the program can take what `plan` puts on it.
    fn take(&self, plan: &LoadPlan) -> Result<(), CommandError> {
        match plan.stages.iter().find(|stage| stage.kill > 0) {
            None => Ok(()),
            Some(stage) => Err(CommandError::GivenFlag {
                flag: "--program".to_owned(),
                value: self.0.join(" "),
                why: format!("it has no agents to kill: leave kill out of stage {:?}", stage.name),
            }),
        }
    }
}

impl LoadArgs {
    /// What the words come to.
    ///
    /// # Errors
    /// A plan cannot be read, or makes no sense.
    pub(super) fn loads(&self, scale: Scale, seed: u64) -> Result<Loads, CommandError> {
        let mut own = Vec::new();
        for path in &self.plan {
            own.push(read_plan(path)?);
        }
        if !self.stage.is_empty() {
            let plan = self.own(seed);
            plan.check()?;
            own.push(plan);
        }
        let mut names = BTreeSet::new();
        if let Some(plan) = own.iter().find(|plan| !names.insert(case_name(&plan.name))) {
            return Err(CommandError::TwoPlans { name: plan.name.clone() });
        }
        if let Some(words) = &self.program {
            own.iter().try_for_each(|plan| words.take(plan))?;
        }
        Ok(Loads {
            own,
            time: self.time,
            target: self.program.clone().map(|Words(words)| LoadTarget::Program(words)),
            planted_bytes: self.plant_leak,
            restarts: self.restarts,
            generators: self.generators,
            scrape: self.scrape.clone(),
            scale: Some(scale),
            seed,
        })
    }

    /// The load that the words themselves are.
    fn own(&self, seed: u64) -> LoadPlan {
        let pacing = match self.closed {
            Some(in_flight) => Pacing::Closed { in_flight },
            None => Pacing::Open,
        };
        LoadPlan {
            name: "own".to_owned(),
            agents: self.agents,
            message_bytes: u32::try_from(self.message.0).unwrap_or(u32::MAX),
            seed,
            arrivals: self.arrivals,
            stages: self.stage.clone(),
            slo: self.slo,
            cap: self.cap,
            timeout: TIMEOUT.max(self.slo),
            thresholds: self.threshold.clone(),
            pacing,
        }
    }
}

/// The plan of a load in the file `path`.
pub(crate) fn read_plan(path: &Path) -> Result<LoadPlan, CommandError> {
    let path = as_the_user_means(path);
    let unreadable = |source| CommandError::PlanFile { path: path.clone(), source };
    let text = file::read_text(&path, file::TEXT_MAX).map_err(unreadable)?;
    // A trace lies beside the plan that names it, and a plan from elsewhere names no other file.
    let folder = path.parent().unwrap_or(Path::new("."));
    let beside = |name: &str| file::read_text_within(folder, name, file::TRACE_MAX);
    Ok(LoadPlan::parse(&path.display().to_string(), &text, &beside)?)
}

fn parse_arrivals(text: &str) -> Result<Arrivals, String> {
    match text {
        "constant" => Ok(Arrivals::Constant),
        "poisson" => Ok(Arrivals::Poisson),
        "uniform" => Ok(Arrivals::Uniform),
        _ => Err("expected constant, poisson or uniform".to_owned()),
    }
}

fn parse_url(text: &str) -> Result<String, String> {
    match is_url(text) {
        true => Ok(text.to_owned()),
        false => Err("expected http://HOST:PORT/metrics".to_owned()),
    }
}

fn parse_words(text: &str) -> Result<Words, String> {
    let words = shlex::split(text);
    let words = words.ok_or("a quotation mark or a backslash has no end: close it")?;
    if words.first().is_none_or(String::is_empty) {
        return Err("no program".to_owned());
    }
    Ok(Words(words))
}

#[cfg(test)]
mod tests {
    use super::*;
    use caxton_model::load::file::SLO;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Only {
        #[command(flatten)]
        loads: LoadArgs,
    }

    fn loads(words: &[&str]) -> Result<Loads, String> {
        let words = ["bench"].iter().chain(words);
        let only = Only::try_parse_from(words).map_err(|error| error.to_string())?;
        only.loads.loads(Scale::Quick, 7).map_err(|error| error.to_string())
    }

    #[test]
    fn stages_and_thresholds_make_a_load() {
        let words = [
            "--stage",
            "name=ramp,length=2s,rate=0..500",
            "--stage",
            "name=hold,length=5s,rate=500",
            "--threshold",
            "response_time{stage:hold} p(99)<10ms",
            "--arrivals",
            "poisson",
        ];
        let own = loads(&words).unwrap().own;
        assert_eq!((own.len(), own[0].stages.len(), own[0].seed), (1, 2, 7));
        assert_eq!(own[0].slo, SLO);
        assert!(loads(&[]).unwrap().own.is_empty());
    }

    #[test]
    fn a_program_s_arguments_are_parted_as_in_a_shell() {
        let table: [(&str, Option<&[&str]>); 8] = [
            ("cat", Some(&["cat"])),
            ("  python3   target.py ", Some(&["python3", "target.py"])),
            (r#"python3 "my target.py""#, Some(&["python3", "my target.py"])),
            (r"'/opt/my target/run' --name 'a b'", Some(&["/opt/my target/run", "--name", "a b"])),
            (r"/opt/my\ target ''", Some(&["/opt/my target", ""])),
            ("cat 'no end", None),
            ("", None),
            ("''", None),
        ];
        for (text, expected) in table {
            let words = parse_words(text).ok();
            let words = words.as_ref().map(|Words(words)| words.iter().collect::<Vec<_>>());
            let expected = expected.map(|words| words.iter().collect::<Vec<_>>());
            assert_eq!(format!("{words:?}"), format!("{expected:?}"), "{text}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_its_name() {
        let hold = ["--stage", "name=hold,length=5s,rate=500"];
        let with = |more: [&str; 2]| loads(&[&hold[..], &more[..]].concat()).unwrap_err();
        assert!(with(["--threshold", "response_time{stage:burst} p(99)<1s"]).contains("burst"));
        assert!(with(["--threshold", "nonsense p(99)<1s"]).contains("nonsense"));
        assert!(with(["--agents", "0"]).contains("agents"));
        assert!(loads(&["--plan", "/no/such/plan.toml"]).unwrap_err().contains("plan.toml"));
        assert!(loads(&["--time", "0s"]).is_err());
        let kills = ["--stage", "name=hold,length=5s,rate=500,kill=3"];
        assert_eq!(loads(&kills).unwrap().own[0].killed(), 3);
        let on = |more: [&str; 2]| loads(&[&kills[..], &more[..]].concat()).unwrap_err();
        assert!(on(["--program", "cat"]).contains("no agents to kill"));
        assert!(on(["--agents", "2"]).contains("kill = 3"));
        assert!(on(["--closed", "2"]).contains("closed"));
    }
}

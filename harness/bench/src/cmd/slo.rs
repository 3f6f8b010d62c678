//! `slo`: what watches service level objectives in production.

use super::args::{Objectives, SloRules, SloTask};
use super::error::{CommandError, unwritable};
use super::output::note;
use super::run::read_plan;
use caxton_analysis::exit;
use caxton_model::load::threshold::Threshold;
use caxton_model::slo::{OBJECTIVES_OF_THE_GUIDE, Slo};
use caxton_report::slo::{RuleOptions, dashboard, rules};
use std::fs;

/// Does what `words` say; the exit code.
pub(super) fn run(words: &SloTask) -> Result<u8, CommandError> {
    let SloTask::Rules(args) = words;
    let slos = objectives(&args.objectives)?;
    let SloRules { job, alerts, out, .. } = args;
    let options = RuleOptions { job: job.clone(), alerts: alerts.options() };
    fs::create_dir_all(out).map_err(unwritable(out))?;
    for (name, text) in [("rules.yml", rules(&slos, &options)), ("dashboard.json", dashboard())] {
        let path = out.join(name);
        fs::write(&path, text).map_err(unwritable(&path))?;
        note(&path.display().to_string());
    }
    for slo in &slos {
        note(&format!("{}: {} of messages, by {:?}", slo.name, slo.objective, slo.text));
    }
    Ok(exit::FINE)
}

/// The objectives that `words` name; what is none is named and left out.
pub(super) fn objectives(words: &Objectives) -> Result<Vec<Slo>, CommandError> {
    let (slos, others) = Slo::of_thresholds(&thresholds(words)?);
    for other in others {
        note(&format!("left out: {other}: it asks for no share of good messages"));
    }
    if slos.is_empty() {
        return Err(CommandError::NoObjective);
    }
    Ok(slos)
}

fn thresholds(words: &Objectives) -> Result<Vec<Threshold>, CommandError> {
    let read = |text: &String| {
        let read = text.parse::<Threshold>();
        read.map_err(|source| CommandError::Objective { text: text.clone(), source })
    };
    let mut thresholds = words.threshold.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    if let Some(plan) = &words.plan {
        thresholds.extend(read_plan(plan)?.thresholds);
    }
    if thresholds.is_empty() {
        return OBJECTIVES_OF_THE_GUIDE.map(str::to_owned).iter().map(read).collect();
    }
    Ok(thresholds)
}

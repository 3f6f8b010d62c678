//! Records whose words are from an enemy, for the tests of every format.

use caxton_model::load::outcome::LoadOutcome;
use caxton_model::reading::Reading;
use caxton_model::record::Record;
use caxton_stats::limit::LimitVerdict;

/// Has `word` say all that is told of a run as a whole.
pub(crate) fn run(record: &mut Record, word: &str) {
    let run = &mut record.run;
    for told in [&mut run.id, &mut run.suite, &mut run.scale, &mut run.started_utc] {
        word.clone_into(told);
    }
    run.command.push(word.to_owned());
    run.revision.commit = Reading::Known(word.to_owned());
    run.build.insert(word.to_owned(), word.to_owned());
    record.engine.insert(word.to_owned(), word.to_owned());
    for name in [word, "cpu_model"] {
        record.host.fingerprint.insert(name.to_owned(), Reading::Known(word.to_owned()));
    }
    record.warnings.push(word.to_owned());
}

/// Has `word` say whatever a plan or a target can name.
pub(crate) fn load(load: &mut LoadOutcome, word: &str) {
    word.clone_into(&mut load.plan.name);
    word.clone_into(&mut load.target);
    load.ended_early = Some(word.to_owned());
    load.reasons.push(word.to_owned());
    load.plan.stages.iter_mut().for_each(|stage| word.clone_into(&mut stage.name));
    load.stages.iter_mut().for_each(|stage| word.clone_into(&mut stage.name));
    load.segments.iter_mut().for_each(|segment| word.clone_into(&mut segment.target));
    for judged in &mut load.thresholds {
        word.clone_into(&mut judged.threshold.text);
        judged.threshold.stage = Some(word.to_owned());
    }
    if let Some(leak) = &mut load.leak {
        leak.verdict = LimitVerdict::Unknown(word.to_owned());
        leak.trends[0].verdict = LimitVerdict::Unknown(word.to_owned());
        word.clone_into(&mut leak.trends[0].name);
    }
    for (figure, _) in load.degradation.iter_mut().flat_map(|all| &mut all.figures) {
        word.clone_into(figure);
    }
}

//! A comparison of two kits, from the folders that hold them to what is printed.

use super::super::error::CommandError;
use super::super::place::as_the_user_means;
use super::contest::{Comparing, begin, contests};
use super::meter::Ahead;
use super::progress::Progress;
use super::relink::Relink;
use super::session::{STOP, watch_for_ctrl_c};
use crate::guest::catalog::EXAMPLE_SEED;
use crate::measure::turns::compare::{Compare, Contest, PAIR_TAKES, design_for};
use crate::measure::turns::kit::OpenKit;
use caxton_analysis::exit;
use caxton_model::baseline;
use caxton_model::case::CaseKey;
use caxton_model::record::Status;
use caxton_model::record::lock::HeldFolder;
use std::path::Path;

/// `--between`: compares the kits in two folders.
pub(super) fn between(
    comparing: &Comparing<'_>,
    base: &Path,
    candidate: &Path,
) -> Result<u8, CommandError> {
    let [base, candidate] = [base, candidate].map(as_the_user_means);
    comparing.session.sweep_leftovers();
    let scratch = comparing.session.scratch()?;
    let name = baseline::load_kit(&base).ok().flatten().map(|kit| kit.name);
    let name = name.filter(|name| baseline::check_name(name).is_ok());
    let id = comparing.session.id_against(name.as_deref().unwrap_or("kit"));
    compare(comparing, [&base, &candidate], &id, &scratch)
}

/// Runs the comparison of the kits in two folders, base and candidate, keeps it as `id` and prints
/// it; the exit code.
pub(super) fn compare(
    comparing: &Comparing<'_>,
    kits: [&Path; 2],
    id: &str,
    scratch: &HeldFolder,
) -> Result<u8, CommandError> {
    let Comparing { session, selection, against, out, scale, seed, .. } = *comparing;
    let limits = comparing.limits()?;
    // Which of the two lies where is chance, and both paths are equally long.
    let mut places = ["0", "1"];
    fastrand::Rng::with_seed(seed).shuffle(&mut places);
    let open = |which: usize| OpenKit::open(kits[which], &scratch.path().join(places[which]));
    let opened = [&open(0)?, &open(1)?];
    let contests = contests(session, selection, opened)?;
    let design = design_for(&contests, opened[0], comparing.design());
    let mut comparison = begin(session, scale, design, opened);
    comparison.warnings.extend(layout_warnings(opened));
    watch_for_ctrl_c();
    let folder = session.folder(out, id, &mut comparison)?;
    let relink = Relink { comparing, plain: kits[1], contests: &contests, scratch };
    let floors = relink.floors(Some(folder.path()))?;
    let allowed = |case: &CaseKey| limits.margins(case);
    comparison.warnings.extend(floors.warnings(&allowed, against.margin));
    comparison.warnings.extend(folder.warnings());
    let is_timed = |contest: &&Contest| contest.is_paired && against.counts.is_none();
    let last = comparison.design.looks.last().copied().unwrap_or(0);
    let launches = contests.iter().filter(is_timed).count() as u64 * u64::from(last);
    let progress = Progress::new(Ahead::of(PAIR_TAKES, launches));
    let kept = folder.path().to_owned();
    let mut compare = Compare {
        comparison,
        folder: Some(folder),
        settings: comparing.settings(),
        kits: opened,
        stop: &STOP,
        observer: &progress,
        example_seeds: [EXAMPLE_SEED; 2],
    };
    let margins = |case: &CaseKey| floors.margins(case, allowed(case), against.margin);
    let ended = compare.all(&contests, &margins);
    progress.finish();
    if ended.is_err() {
        compare.comparison.run.status = Status::Failed;
        if let Some(folder) = &compare.folder {
            // Perhaps there is room for the small file that is replaced.
            let _ = folder.write(&compare.comparison);
        }
    }
    let Compare { mut comparison, folder, .. } = compare;
    let is_cut = comparison.run.status != Status::Finished;
    let warning = out.is_none().then(|| session.point_latest(&comparison.run.id, is_cut)).flatten();
    if let (Some(warning), Some(folder)) = (warning, folder) {
        comparison.warnings.push(warning);
        folder.write(&comparison)?;
    }
    comparing.showing.comparison(session, &comparison, against.table, &kept);
    ended?;
    Ok(exit::of(comparison.conclusion(), against.strict))
}

/// What of the layout of the two could be a difference that no source made.
fn layout_warnings(kits: [&OpenKit; 2]) -> Vec<String> {
    let of = |kit: &&OpenKit| {
        let name = &kit.about.name;
        match kit.about.aligned.known() {
            Some((aligned, all)) if aligned == all => None,
            Some((aligned, all)) => Some(format!(
                "{name}: only {aligned} of {all} functions of the harness are 64-byte aligned: \
                 layout may move a figure by 20 %"
            )),
            None => Some(format!("{name}: nobody could tell whether its functions are aligned")),
        }
    };
    kits.iter().filter_map(of).collect()
}

//! Where the time of messages goes: two orchestrators exchange them in turns while a sampler looks
//! at every thread of theirs. Beside each sampled window lies one without the sampler.
//!
//! Its times say nothing of the orchestrators: a profiled run feeds no timing statistics.

use super::route::{Side, setup, traffic, warm_up};
use super::runtime::start_watched;
use crate::job::launch::Sampling;
use crate::job::sides::ROLES;
use crate::job::{Crew, MailLoad, Runtime};
use crate::timing::context::Context;
use crate::timing::turns::{Rounds, turns};
use crate::workload::callers::{Counts, Turn};
use crate::workload::profile::{Label, Sampled, Window, finish, with_frame_pointers};
use caxton_model::units::Nanos;
use caxton_profiler::Recording;
use caxton_runtime::subject::Attempt;
use caxton_sys::clock::CpuTime;

/// Fewest rounds: of very many agents a window alone is long.
const ROUNDS_MIN: u32 = 2;

/// A side, and what was sampled of it.
struct SampledRoute {
    label: Label,
    side: Side,
    total: Sampled,
}

/// Profiles the runtimes of `pair`, the subject and its peer.
pub fn run(
    ctx: &mut Context<'_>,
    how: Sampling,
    pair: [Runtime; 2],
    load: MailLoad,
) -> Attempt<()> {
    let mut recording = match Recording::start(how.engine, how.hz) {
        Ok(recording) => recording,
        Err(why) => {
            ctx.finding("no CPU profile", why.to_string());
            return Ok(());
        }
    };
    let mut routes = begun(ctx, &recording, pair, load)?;
    ctx.working();
    warm_up(ctx, routes.iter_mut().map(|route| &mut route.side))?;
    let rounds = Rounds {
        at_least: ROUNDS_MIN,
        // Of both sides, with the sampler and without.
        time: Nanos(how.time.0 * 4),
        ..Rounds::new(0..u32::MAX, [])
    };
    turns(ctx, &rounds, &mut Window::of_each(routes.len()), |ctx, window, number| {
        let SampledRoute { label, side, total } = &mut routes[window.side];
        let mut work = || turn(side);
        let turn = match window.is_sampled {
            true => total.take(&mut recording, work)?,
            false => work()?,
        };
        label.tell(ctx, window.is_sampled, number, turn);
        Ok(())
    })?;
    for SampledRoute { side, .. } in &mut routes {
        side.traffic.verify(side.started.orchestrator.as_mut())?;
    }
    // The orchestrators end first: code that is still run has no end.
    let sides: Vec<_> =
        routes.into_iter().map(|route| (route.label, route.total, Counts::new())).collect();
    finish(ctx, recording, sides);
    Ok(())
}

/// Both runtimes with all their agents, the peer first: it is what the subject is compared with.
fn begun(
    ctx: &mut Context<'_>,
    recording: &Recording,
    pair: [Runtime; 2],
    load: MailLoad,
) -> Attempt<Vec<SampledRoute>> {
    let files = with_frame_pointers(ctx);
    let setup = setup(load)?;
    let seed = ctx.rng.u64(..);
    let [subject, peer] = pair;
    let names = ctx.case.subject.split_once("-vs-").unwrap_or((&ctx.case.subject, "peer"));
    let names = [names.1.to_owned(), names.0.to_owned()];
    let mut routes = Vec::new();
    for ((runtime, words), role) in [peer, subject].into_iter().zip(names).zip(ROLES) {
        if let (Crew::Natives, Some(path)) = (runtime.crew, &files.native) {
            recording.twin(path);
        }
        let watch = Some(recording.watch());
        let started = start_watched(runtime, &files, setup, watch)?;
        let is_subject = role == ROLES[1];
        if is_subject {
            ctx.finding("tier", started.tier.clone());
        }
        let side = Side { started, traffic: traffic(runtime, load, seed), is_subject };
        routes.push(SampledRoute { label: Label { role, words }, side, total: Sampled::default() });
    }
    Ok(routes)
}

fn turn(side: &mut Side) -> Attempt<Turn> {
    let start = CpuTime::of_process();
    side.window()?;
    Ok(Turn { messages: side.traffic.deliveries(), cpu: CpuTime::of_process().since(start) })
}

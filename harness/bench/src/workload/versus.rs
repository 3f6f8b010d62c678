//! Two sides of the user's choice in turns: builds, options of the engine, native code.

use super::overhead::{fresh_instances, pads};
use super::sides::{Exchange, Loaded};
use crate::job::sides::{ROLES, SideSpec};
use crate::timing::blocks::{BlockSize, prepare};
use crate::timing::context::Context;
use crate::timing::participants::{BlockTurn, Group, Participant, blocks};
use crate::timing::turns::Rounds;
use caxton_model::case::CaseKey;
use caxton_runtime::subject::{Attempt, Step};

/// One launch of `cases`: the reference, the first of `pair`, beside the other.
pub fn run(ctx: &mut Context<'_>, cases: &[CaseKey], pair: &[SideSpec; 2]) -> Attempt<()> {
    let cost = ctx.calibrate()?;
    let _pads = pads(ctx);
    let mut order = [0, 1];
    ctx.rng.shuffle(&mut order);
    let mut sides = Vec::new();
    for at in order {
        let (loaded, took) = Loaded::load_spec(ctx, ctx.agent, &pair[at], None)?;
        // Where only sides against themselves are asked for, there is nobody to tell.
        if !ctx.case.is_same_against_same() {
            let role = ROLES[at];
            ctx.once(&format!("{role}_compile_ns"), took.0);
            if let Some(bytes) = loaded.code_bytes() {
                ctx.once(&format!("{role}_code_bytes"), bytes.0);
            }
        }
        sides.push((at, loaded));
    }
    sides.sort_by_key(|(at, _)| *at);
    let sides: Vec<Loaded> = sides.into_iter().map(|(_, loaded)| loaded).collect();
    let exchange = Exchange::agree(ctx, &sides)?;
    ctx.working();
    let mut participants = Vec::new();
    for (spec, side) in pair.iter().zip(&sides) {
        let mut instances = fresh_instances(ctx, side, &exchange, false)?;
        ctx.rng.shuffle(&mut instances);
        // Two, so that each can be held against its like.
        participants.extend(instances.into_iter().take(2).map(|instance| Participant {
            name: &spec.name,
            instance,
            message: exchange.message.get(),
            reply: &exchange.reply,
        }));
    }
    let size = BlockSize::of(&ctx.effort, &cost);
    for Participant { instance, message, .. } in &mut participants {
        prepare(ctx.clock, instance, message, size)?;
    }
    for alike in participants.chunks_mut(2) {
        let longest = alike.iter().map(|it| it.instance.iterations).max().unwrap_or(1);
        alike.iter_mut().for_each(|it| it.instance.iterations = longest);
    }
    let mut groups: Vec<Group<'_>> =
        cases.iter().map(|case| group(case, pair, &participants, &mut ctx.rng)).collect();
    let probed: Vec<&CaseKey> = cases.iter().collect();
    let rounds = Rounds::of_blocks(ctx.effort.blocks, probed);
    blocks(ctx, &rounds, &mut participants, &mut groups, size)
}

/// What takes turns for `case`: the two sides, or two instances of one.
fn group<'a>(
    case: &'a CaseKey,
    pair: &[SideSpec; 2],
    participants: &[Participant<'_>],
    rng: &mut fastrand::Rng,
) -> Group<'a> {
    let first = |at: usize| 2 * at;
    let turns = if case.is_same_against_same() {
        let at = usize::from(case.subject == pair[1].against(&pair[1]));
        let again = usize::from(rng.bool());
        [(first(at) + again, "again_call_ns"), (first(at) + 1 - again, "once_call_ns")]
    } else {
        [(first(1), "side_call_ns"), (first(0), "reference_call_ns")]
    };
    let turn = |(who, metric): (usize, &'static str)| BlockTurn {
        pace: participants[who].instance.pace(),
        ..BlockTurn::new(who, metric, Step::Whole)
    };
    Group::new(case, turns.map(turn).into())
}

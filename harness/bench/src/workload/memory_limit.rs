//! An agent under a memory limit: what it can have, what getting it costs, how it works when it is
//! nearly full, and what it sees at the end.

use super::sides::{Placed, module, page_offset};
use crate::timing::blocks::BlockSize;
use crate::timing::context::{At, Context, Total};
use crate::timing::participants::{Group, Participant, blocks};
use crate::timing::turns::Rounds;
use agent_abi::ballast::{Answer, Request, WORDS_BYTES};
use caxton_analysis::quiet::PART_BLOCKS;
use caxton_model::case::Outcome;
use caxton_model::reading::Missing;
use caxton_model::units::Bytes;
use caxton_runtime::subject::wasmtime::{EngineOptions, WasmAgent, WasmSubject};
use caxton_runtime::subject::{AgentInstance, Attempt};
use caxton_sys::memory;
use std::slice::from_mut;

/// Levels in per cent of the limit, as the metrics name them.
const LEVELS: [u64; 4] = [10, 50, 90, 99];

/// Small blocks, in which the most is held: from coarse to fine, so that what is left over by one
/// size is used by the next. The last is the finest step an allocator of 32-bit guests deals in.
const BLOCKS: [u64; 4] = [64 << 10, 4 << 10, 256, 16];

/// Pages of 64 KiB that one launch grows by, one at a time.
const GROW_PAGES_MAX: u64 = 64;

/// 4 KiB pages in one of WebAssembly's 64 KiB.
const OS_PAGES: u64 = 16;

const BODY_BYTES: usize = 1024;

/// Random places that a writing message changes: what is slow there is cache and TLB, not the
/// limit.
const WRITES: u64 = 64;

/// What the run needs beside the guest's memory: compiler, harness, page tables.
const HEADROOM: Bytes = Bytes::mebi(256);

/// One launch under `limit`; with `search` it also finds the largest allocations.
pub fn run(ctx: &mut Context<'_>, limit: Bytes, search: bool) -> Attempt<()> {
    if let Ok(available) = memory::available()
        && available.0 < limit.0 + HEADROOM.0
    {
        let why = format!("needs {limit} and {HEADROOM} beside; only {available} are available");
        return Err(Outcome::NotRun(why));
    }
    let bytes = module(&ctx.agent.wasm)?;
    let subject = WasmSubject::compile(&bytes, EngineOptions::default())?;
    let cost = ctx.calibrate()?;
    let size = BlockSize::of(&ctx.effort, &cost);
    let bench = Bench { subject, limit, size };
    // Does it fit at all? If not, that is the answer, and before any work.
    drop(bench.ballast(ctx)?);
    ctx.working();
    if search {
        bench.search(ctx)?;
        bench.ends(ctx)?;
    }
    bench.growth(ctx)?;
    bench.resident(ctx)?;
    for level in LEVELS {
        bench.level(ctx, level)?;
    }
    Ok(())
}

struct Bench {
    subject: WasmSubject,
    limit: Bytes,
    size: BlockSize,
}

struct Ballast {
    agent: WasmAgent,
}

impl Ballast {
    fn ask(&mut self, request: Request<'_>) -> Attempt<Answer> {
        self.agent.call(&request.encode())?;
        Answer::decode(self.agent.reply())
            .ok_or_else(|| Outcome::WrongAnswer(format!("no ballast answer to {request:?}")))
    }

    /// True if a block of `bytes` can be had now.
    fn offers(&mut self, bytes: u64) -> Attempt<bool> {
        Ok(self.ask(Request::Probe { bytes })?.granted == 1)
    }

    /// The largest block that can be had now, to the byte: bisection, because what is offered at
    /// one size is offered at every smaller one.
    fn largest(&mut self, limit: u64) -> Attempt<u64> {
        let (mut yes, mut no) = (0, limit + 1);
        while no - yes > 1 {
            let middle = yes + (no - yes) / 2;
            if self.offers(middle)? {
                yes = middle;
            } else {
                no = middle;
            }
        }
        Ok(yes)
    }

    /// Holds as much as goes in, in small blocks; how much is held then.
    fn fill(&mut self) -> Attempt<u64> {
        let mut held = 0;
        for block_bytes in BLOCKS {
            held = self.ask(Request::Fill { block_bytes })?.bytes;
        }
        Ok(held)
    }
}

impl Bench {
    fn ballast(&self, ctx: &mut Context<'_>) -> Attempt<Ballast> {
        let mut agent = self.subject.instantiate(Some(self.limit))?;
        agent.reserve(2 * BODY_BYTES, page_offset(&mut ctx.rng))?;
        Ok(Ballast { agent })
    }

    /// An agent whose heap has holes: half the limit taken in mixed blocks, every other one freed.
    /// The same holes in every launch.
    fn fragmented(&self, ctx: &mut Context<'_>) -> Attempt<Ballast> {
        let mut ballast = self.ballast(ctx)?;
        ballast.ask(Request::Fragment { bytes: self.limit.0 / 2, seed: 1 })?;
        Ok(ballast)
    }

    fn search(&self, ctx: &mut Context<'_>) -> Attempt<()> {
        let single = self.ballast(ctx)?.largest(self.limit.0)?;
        let single_fragmented = self.fragmented(ctx)?.largest(self.limit.0)?;
        let total = self.ballast(ctx)?.fill()?;
        let total_fragmented = self.fragmented(ctx)?.fill()?;
        for (metric, bytes) in [
            ("single_bytes", single),
            ("single_fragmented_bytes", single_fragmented),
            ("total_bytes", total),
            ("total_fragmented_bytes", total_fragmented),
        ] {
            ctx.reading(metric, Ok(bytes));
        }
        Ok(())
    }

    /// What the guest sees when it asks for more than there is: once where it asks whether it may,
    /// once where it takes for granted that it may.
    fn ends(&self, ctx: &mut Context<'_>) -> Attempt<()> {
        let too_much = self.limit.0.min(u64::from(i32::MAX as u32));
        let mut asking = self.ballast(ctx)?;
        let text = match asking.ask(Request::Hold { bytes: too_much })?.granted {
            0 => match asking.ask(Request::Work { steps: 1, body: b"still here" }) {
                Ok(_) => "allocation error; the agent goes on working".to_owned(),
                Err(end) => format!("allocation error; then {}", describe(&end)),
            },
            _ => "the block was granted".to_owned(),
        };
        ctx.finding("when it asks", text);
        let mut taking = self.ballast(ctx)?;
        let text = match taking.ask(Request::HoldOrDie { bytes: too_much }) {
            Ok(_) => "the block was granted".to_owned(),
            Err(end) => describe(&end),
        };
        ctx.finding("when it takes", text);
        ctx.finding("denied growths", taking.agent.memory_use().denied.to_string());
        Ok(())
    }

    /// The cost of each single `memory.grow`, and of the first write to each new page.
    fn growth(&self, ctx: &mut Context<'_>) -> Attempt<()> {
        let mut ballast = self.ballast(ctx)?;
        let grow = Request::Grow { pages: 1 }.encode();
        let touch = Request::TouchGrown.encode();
        let mut samples = Vec::new();
        for index in 0..GROW_PAGES_MAX as u32 {
            let start = ctx.clock.now();
            ballast.agent.call(&grow)?;
            let grown = ctx.clock.now();
            if Answer::decode(ballast.agent.reply()).is_none_or(|answer| answer.granted != 1) {
                break;
            }
            let before_touch = ctx.clock.now();
            ballast.agent.call(&touch)?;
            let touched = ctx.clock.now();
            if Answer::decode(ballast.agent.reply()).is_none_or(|a| a.granted != OS_PAGES) {
                return Err(Outcome::WrongAnswer(format!("not {OS_PAGES} pages were touched")));
            }
            samples.push((index, grown.0 - start.0, touched.0 - before_touch.0));
        }
        if samples.is_empty() {
            let why = "no page is left to grow by under this limit".to_owned();
            ctx.missing("grow_ns", Missing::NotRequested(why.clone()));
            ctx.missing("first_touch_ns", Missing::NotRequested(why));
        }
        for (index, grow, touch) in samples {
            let at = At { block: 0, index };
            ctx.sample("grow_ns", at, grow);
            ctx.sample("first_touch_ns", at, Total::over(touch, OS_PAGES));
        }
        Ok(())
    }

    /// What a full agent keeps resident on the host.
    fn resident(&self, ctx: &mut Context<'_>) -> Attempt<()> {
        let before = memory::resident();
        let mut full = self.ballast(ctx)?;
        full.fill()?;
        let grown = memory::resident()
            .and_then(|after| before.map(|before| after.0.saturating_sub(before.0)));
        ctx.reading("resident_bytes", grown);
        Ok(())
    }

    /// Messages at a level of held memory, in turns with messages to an agent that holds nothing.
    fn level(&self, ctx: &mut Context<'_>, level: u64) -> Attempt<()> {
        let metric = format!("level_{level}_call_ns");
        let mut filled = self.ballast(ctx)?;
        let wanted = self.limit.0 * level / 100;
        let in_use = filled.agent.linear_memory().map_or(0, |bytes| bytes.0);
        // The level is of all linear memory: data, stack and the agent's own heap count too.
        if in_use > wanted {
            let why = format!("an empty agent already has {}, more than that", Bytes(in_use));
            ctx.missing(&metric, Missing::NotRequested(why));
            return Ok(());
        }
        if !hold(&mut filled, wanted.saturating_sub(in_use))? {
            let why = format!("the allocator does not give {level} % of {}", self.limit);
            ctx.missing(&metric, Missing::NotRequested(why));
            return Ok(());
        }
        let mut body = vec![0; BODY_BYTES];
        ctx.rng.fill(&mut body);
        let work = Work::new(ctx, 0, &body);
        let writing = Work::new(ctx, WRITES, &body);
        let empty = self.ballast(ctx)?;
        let (filled, empty) = (work.given_to(filled), work.given_to(empty));
        let mut participants = [filled, empty];
        self.turns(ctx, level, &mut participants, &[&metric, "empty_call_ns"])?;
        let [mut filled, _] = participants;
        (filled.message, filled.reply) = (writing.message.get(), &writing.reply);
        let metric = format!("level_{level}_writing_call_ns");
        self.turns(ctx, level, &mut [filled], &[&metric])
    }

    /// Blocks of work of each participant, by their metrics.
    fn turns(
        &self,
        ctx: &mut Context<'_>,
        level: u64,
        participants: &mut [Participant<'_>],
        metrics: &[&str],
    ) -> Attempt<()> {
        let mut group = Group::of_calls(ctx.case, metrics);
        group.warm_up(ctx, participants, self.size)?;
        // Blocks of different levels must not meet in one pair, nor the probes of two passes.
        let pass = if participants.len() > 1 { 0 } else { PART_BLOCKS };
        let first = level as u32 * 1_000 + pass;
        let rounds = Rounds::new(first..first + ctx.effort.blocks, [ctx.case]);
        blocks(ctx, &rounds, participants, from_mut(&mut group), self.size)
    }
}

/// One message of work and the answer to it.
struct Work {
    message: Placed,
    reply: [u8; WORDS_BYTES],
}

impl Work {
    fn new(ctx: &mut Context<'_>, steps: u64, body: &[u8]) -> Self {
        let message = Request::Work { steps, body }.encode();
        let message = Placed::at_random(&mut ctx.rng, &message);
        let check = agent_abi::ballast::check(body);
        let reply = Answer { granted: steps, bytes: 0, check }.encode();
        Self { message, reply }
    }

    fn given_to(&self, ballast: Ballast) -> Participant<'_> {
        let agent = Box::new(ballast.agent);
        Participant::new("the agent", agent, self.message.get(), &self.reply)
    }
}

/// Holds `bytes` more, in blocks that an agent of this limit would use.
fn hold(ballast: &mut Ballast, bytes: u64) -> Attempt<bool> {
    const BLOCK: u64 = 256 << 10;
    let mut left = bytes;
    while left > 0 {
        let block = left.min(BLOCK);
        let mut granted = ballast.ask(Request::Hold { bytes: block })?.granted == 1;
        if !granted && block > BLOCKS[1] {
            // Near the limit only smaller holes are left.
            granted = (0..block / BLOCKS[1]).try_fold(true, |so_far, _| {
                let answer = ballast.ask(Request::Hold { bytes: BLOCKS[1] })?;
                Ok(so_far && answer.granted == 1)
            })?;
        }
        if !granted {
            return Ok(false);
        }
        left -= block;
    }
    Ok(true)
}

fn describe(end: &Outcome) -> String {
    match end.reason() {
        Some(why) => format!("{}: {why}", end.name()),
        None => end.name().to_owned(),
    }
}

//! An agent that is measured block by block, as somebody else asks: one version of two that take
//! turns in two processes.

use super::overhead::{fresh_instances, pads};
use super::sides::{Exchange, Loaded};
use super::{fuel, heap, memory_limit};
use crate::guest::digest::sha256_hex;
use crate::guest::toolchain::Side;
use crate::timing::blocks::{BenchInstance, BlockSize, block, size_batch, warm_up};
use crate::timing::context::Context;
use caxton_model::case::{LIMIT, Outcome};
use caxton_model::paired::answers::Reply;
use caxton_model::units::Bytes;
use caxton_runtime::subject::Attempt;
use caxton_sys::memory;
use std::path::Path;

/// Both sides of an agent, loaded.
pub struct Stage {
    sides: Vec<Loaded>,
    /// Memory that is kept, so that the heaps of two launches are laid out differently.
    _pads: Vec<Vec<u8>>,
}

/// Both sides, warm.
pub struct Participants {
    exchange: Exchange,
    instances: Vec<(Side, BenchInstance)>,
    /// The others of each side, alive to the end.
    others: Vec<BenchInstance>,
    times: Vec<u64>,
    size: BlockSize,
    _stage: Stage,
}

impl Stage {
    /// Loads the agent; compiled code is kept in `scratch` between launches, whose subject it is
    /// not.
    ///
    /// # Errors
    /// `Refused`: no such file, no valid module, no native build.
    pub fn load(ctx: &mut Context<'_>, scratch: &Path) -> Attempt<Self> {
        let pads = pads(ctx);
        // A folder of its own: the cache removes what it does not know.
        let cache = scratch.join("code");
        let mut sides = vec![Loaded::load_cached(ctx, &cache)?];
        if ctx.agent.native.is_some() {
            sides.push(Loaded::load(ctx, ctx.agent, Side::Native)?.0);
        }
        ctx.rng.shuffle(&mut sides);
        Ok(Self { sides, _pads: pads })
    }

    /// Makes instances, has both sides agree on the example of `example_seed`, warms them up, and
    /// tells what is told once per launch.
    pub fn prepare(self, ctx: &mut Context<'_>, example_seed: u64) -> Attempt<Participants> {
        let cost = ctx.calibrate()?;
        let exchange = Exchange::agree_on(ctx, example_seed, &self.sides)?;
        let size = BlockSize::of(&ctx.effort, &cost);
        let (mut instances, mut others) = (Vec::new(), Vec::new());
        for loaded in &self.sides {
            let mut made = fresh_instances(ctx, loaded, &exchange, true)?;
            let mut instance = made.swap_remove(ctx.rng.usize(..made.len()));
            size_batch(ctx.clock, &mut instance, exchange.message.get(), size.batch_min)?;
            warm_up(ctx.clock, &mut instance, exchange.message.get(), size)?;
            instances.push((loaded.side(), instance));
            others.append(&mut made);
        }
        // In one order for all, so that a lane's number says which it is.
        instances.sort_by_key(|(side, _)| *side == Side::Native);
        let times = Vec::with_capacity(size.samples_max as usize);
        Ok(Participants { exchange, instances, others, times, size, _stage: self })
    }
}

impl Participants {
    /// What both sides answered to the example message.
    pub fn reply(&self) -> Reply {
        let (message, reply) = (self.exchange.message.get(), &self.exchange.reply);
        Reply {
            message_sha256: sha256_hex(message),
            message_bytes: message.len() as u64,
            reply_sha256: sha256_hex(reply),
            reply_bytes: reply.len() as u64,
            sends: self.exchange.sends,
        }
    }

    /// What blocks can be of: metric, iterations of a sample, samples of a block.
    pub fn lanes(&self) -> impl Iterator<Item = (String, u64, u32)> {
        self.instances.iter().map(|(side, instance)| {
            let samples = self.size.samples([instance.pace()]);
            (format!("{}_call_ns", side.name()), instance.pace().iterations, samples)
        })
    }

    /// One block of a lane; its samples.
    ///
    /// # Errors
    /// What became of the agent; `Failed` for a lane that is none.
    pub fn block(
        &mut self,
        ctx: &Context<'_>,
        lane: u32,
        iterations: u64,
        samples: u32,
    ) -> Attempt<&[u64]> {
        let instance = self.instances.get_mut(lane as usize);
        let (side, instance) =
            instance.ok_or_else(|| Outcome::Failed(format!("no lane {lane}")))?;
        instance.iterations = iterations.max(1);
        // A length that lies must not take memory for it.
        let samples = samples.min(self.size.samples_max);
        block(ctx.clock, instance, self.exchange.message.get(), samples, &mut self.times)?;
        instance.check_reply(side.name(), &self.exchange.reply)?;
        Ok(&self.times)
    }

    /// Checks what must have happened, and tells what is known only at the end.
    ///
    /// # Errors
    /// `WrongAnswer`: messages were not sent on.
    pub fn finish(self, ctx: &mut Context<'_>) -> Attempt<()> {
        let instances = self.instances.iter().map(|(_, instance)| instance).chain(&self.others);
        instances.into_iter().try_for_each(|instance| instance.check_sent(self.exchange.sends))?;
        let memory = memory::resident_anonymous().map(|bytes| bytes.0);
        ctx.reading("anonymous_rss_bytes", memory);
        Ok(())
    }
}

/// Tells the counts of a case that its program alone decides.
///
/// # Errors
/// What became of the agent; `Failed` for a case that has no counts.
pub fn counts(ctx: &mut Context<'_>, scratch: &Path) -> Attempt<()> {
    let case = ctx.case;
    if case.is_overhead() {
        fuel::run(ctx)?;
        super::overhead::counts(ctx)
    } else if case.is_memory_limit() {
        let limit = case.param(LIMIT).and_then(|limit| limit.parse().ok());
        let limit: Bytes = limit.ok_or_else(|| Outcome::Failed(format!("{case}: which limit?")))?;
        memory_limit::run(ctx, limit, true)
    } else if case.is_heap() {
        heap::run(ctx, scratch)
    } else {
        Err(Outcome::Failed(format!("{case} has no counts")))
    }
}

//! Caxton's agents: deploying, starting, redeploying, their memory and its limit.

use crate::report::{Probed, Readings, failed};
use caxton::{AgentId, MaxAgents, MemoryBytes, ResourceLimits, WasmRuntime, WasmRuntimeConfig};
use caxton_model::case::Outcome;
use caxton_sys::clock::{Clock, Monotonic};
use caxton_sys::memory::{self, Footprint};
use std::thread;
use std::time::Duration;

/// A guest that does nothing and has one page.
pub(crate) const MINIMAL: &str = r#"(module (memory (export "memory") 1))"#;
/// A guest whose start function asks for one page after the other until it is refused.
pub(crate) const GROWING: &str = r#"(module
    (memory (export "memory") 1)
    (func $start (loop $again
        (br_if $again (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))))
    (start $start))"#;
/// Bytes of a page of linear memory.
const PAGE: u64 = 65_536;
/// Agents of a redeployment, of which one is redeployed again and again.
pub(crate) const REDEPLOYED_AMONG: usize = 10;
const REDEPLOYMENTS: usize = 300;

/// A runtime with room for the most agents that caxton allows, and caxton's defaults.
pub(crate) fn runtime(limit: Option<u64>) -> Result<WasmRuntime, Outcome> {
    const AGENTS_MAX: usize = 10_000;
    let max_agents = MaxAgents::try_new(AGENTS_MAX).map_err(|error| failed("agents", error))?;
    let mut resource_limits = ResourceLimits::default();
    if let Some(bytes) = limit {
        let bytes = MemoryBytes::try_new(bytes as usize);
        resource_limits.max_memory_bytes = bytes.map_err(|error| failed("limit", error))?;
    }
    let config = WasmRuntimeConfig { max_agents, resource_limits, ..WasmRuntimeConfig::default() };
    WasmRuntime::new(config).map_err(|error| failed("runtime", error))
}

/// The module that `text` is.
pub(crate) fn module(text: &str) -> Result<Vec<u8>, Outcome> {
    wat::parse_str(text).map_err(|error| failed("guest", error))
}

/// Nanoseconds to deploy and to start agents, each as it was measured.
#[derive(Default)]
struct Spawned {
    agents: Vec<AgentId>,
    deploy: Vec<f64>,
    start: Vec<f64>,
}

async fn spawn(runtime: &mut WasmRuntime, wasm: &[u8], count: usize) -> Result<Spawned, Outcome> {
    let mut spawned = Spawned::default();
    for number in 0..count {
        let name = format!("agent-{number}");
        let begun = Monotonic.now().0;
        let agent = runtime.deploy_agent(&name, wasm).await;
        let deployed = Monotonic.now().0;
        let agent = agent.map_err(|error| failed("deploy_agent", error))?;
        let before = Monotonic.now().0;
        let started = runtime.start_agent(agent);
        let after = Monotonic.now().0;
        started.map_err(|error| failed("start_agent", error))?;
        spawned.agents.push(agent);
        spawned.deploy.push((deployed - begun) as f64);
        spawned.start.push((after - before) as f64);
    }
    let active = runtime.active_agent_count();
    match active == count {
        true => Ok(spawned),
        false => Err(Outcome::WrongAnswer(format!("{count} agents deployed, {active} active"))),
    }
}

/// Time and memory of so many agents.
pub(crate) async fn deployment(count: usize) -> Probed {
    let wasm = module(MINIMAL)?;
    let before = footprint()?;
    let mut runtime = runtime(None)?;
    let spawned = spawn(&mut runtime, &wasm, count).await?;
    let after = footprint()?;
    for agent in &spawned.agents {
        let bytes = pages(&runtime, *agent)? * PAGE;
        if bytes != PAGE {
            let why = format!("an agent of one page has {bytes} bytes of linear memory");
            return Err(Outcome::WrongAnswer(why));
        }
    }
    let mut readings = Readings::default();
    readings.percentiles("deploy", &spawned.deploy);
    readings.percentiles("start", &spawned.start);
    let more = |of: fn(&Footprint) -> u64| of(&after).saturating_sub(of(&before));
    let (pss, tables) = (more(|of| of.pss.0), more(|of| of.page_tables.0));
    for (metric, all) in [
        ("rss_per_agent_bytes", more(|of| of.rss.0)),
        ("pss_per_agent_bytes", pss),
        ("page_table_per_agent_bytes", tables),
        ("memory_per_agent_bytes", pss + tables),
        ("maps_per_agent", more(|of| of.maps)),
    ] {
        readings.add(metric, 0, [count as u64, all]);
    }
    Ok(readings)
}

/// What the process takes, as soon as it stays the same: the engine's cache packs a module anew
/// that is loaded often, on a thread of its own, and holds 60 MiB meanwhile.
fn footprint() -> Result<Footprint, Outcome> {
    const READINGS_MAX: u32 = 50;
    const BETWEEN: Duration = Duration::from_millis(100);
    const TOLERANCE: u64 = 64 << 10;
    let read = || {
        memory::trim();
        memory::footprint().map_err(|why| failed("memory of the process", why))
    };
    let mut last = read()?;
    for _ in 0..READINGS_MAX {
        thread::sleep(BETWEEN);
        let now = read()?;
        if now.rss.0.abs_diff(last.rss.0) <= TOLERANCE {
            return Ok(now);
        }
        last = now;
    }
    Err(Outcome::Failed("the memory of the process does not come to rest".to_owned()))
}

/// Pages of linear memory that `agent` had after its start function.
pub(crate) fn pages(runtime: &WasmRuntime, agent: AgentId) -> Result<u64, Outcome> {
    let bytes = runtime.get_agent_memory_usage(agent);
    let bytes = bytes.map_err(|error| failed("get_agent_memory_usage", error))?;
    Ok(bytes.as_usize() as u64 / PAGE)
}

/// One agent among others, stopped, removed, deployed and started.
pub(crate) async fn redeployment() -> Probed {
    let wasm = module(MINIMAL)?;
    let mut runtime = runtime(None)?;
    let spawned = spawn(&mut runtime, &wasm, REDEPLOYED_AMONG).await?;
    let mut agent = spawned.agents[0];
    let mut times = Vec::with_capacity(REDEPLOYMENTS);
    for _ in 0..REDEPLOYMENTS {
        let begun = Monotonic.now().0;
        agent = redeploy(&mut runtime, agent, &wasm).await?;
        times.push((Monotonic.now().0 - begun) as f64);
    }
    let active = runtime.active_agent_count();
    if active != REDEPLOYED_AMONG {
        let why = format!("{REDEPLOYED_AMONG} agents before, {active} after");
        return Err(Outcome::WrongAnswer(why));
    }
    let mut readings = Readings::default();
    readings.percentiles("redeploy", &times);
    Ok(readings)
}

async fn redeploy(
    runtime: &mut WasmRuntime,
    agent: AgentId,
    wasm: &[u8],
) -> Result<AgentId, Outcome> {
    runtime.stop_agent(agent).await.map_err(|error| failed("stop_agent", error))?;
    runtime.remove_agent(agent).map_err(|error| failed("remove_agent", error))?;
    let agent = runtime.deploy_agent("again", wasm).await;
    let agent = agent.map_err(|error| failed("deploy_agent", error))?;
    runtime.start_agent(agent).map_err(|error| failed("start_agent", error))?;
    Ok(agent)
}

/// How many pages a guest is granted under a limit of so many bytes; all of them, or it is wrong.
pub(crate) async fn granted_pages(limit: u64) -> Probed {
    let mut runtime = runtime(Some(limit))?;
    let wasm = module(GROWING)?;
    let agent = runtime.deploy_agent("growing", &wasm).await;
    let agent = agent.map_err(|error| failed("deploy_agent", error))?;
    let (granted, due) = (pages(&runtime, agent)?, limit / PAGE);
    if granted != due {
        let why = format!("{granted} pages granted, and the limit is {due}");
        return Err(Outcome::WrongAnswer(why));
    }
    let mut readings = Readings::default();
    readings.one("granted_pages", granted);
    Ok(readings)
}

//! The agent that all sides run: its guest and its native build, made unless they are there.

use caxton_bench::guest::build::{BuildStep, Builder};
use caxton_bench::guest::catalog::Workspace;
use caxton_bench::guest::files::AgentFiles;
use caxton_bench::guest::toolchain::{Toolchain, Variant};
use caxton_bench::suite::throughput::COURIER;
use caxton_model::record::Artifact;
use std::sync::atomic::AtomicBool;

/// Its files, and what the record says of them.
#[derive(Debug)]
pub struct BuiltCourier {
    /// Where they are.
    pub files: AgentFiles,
    /// What they are.
    pub artifacts: Vec<Artifact>,
}

/// Builds it in `workspace`; `say` is told how that goes.
///
/// # Errors
/// There is no such agent or no toolchain, or a build fails.
pub fn build(workspace: &Workspace, say: &(dyn Fn(&str) + Sync)) -> Result<BuiltCourier, String> {
    let source = workspace.agents.get(COURIER).ok_or(format!("there is no agent {COURIER}"))?;
    let toolchain = Toolchain::find(&workspace.root, &say).map_err(|error| error.to_string())?;
    // Ctrl-C ends this process, and the build with it.
    let never = AtomicBool::new(false);
    let builder = Builder::open(workspace, &toolchain, &never, &say);
    let builder = builder.map_err(|error| error.to_string())?;
    let step = |step: BuildStep<'_>| say(&format!("building {} ({})", step.agent, step.side));
    let built = builder.build(&[source], Variant::Measured, &step).remove(COURIER);
    let built = built.ok_or_else(|| format!("{COURIER} was not built"))?;
    let (wasm, native) = (built.wasm?, built.native?);
    let files = AgentFiles {
        name: COURIER.to_owned(),
        wasm: wasm.path,
        native: Some(native.path),
        expected: source.expected.clone(),
        ..AgentFiles::default()
    };
    Ok(BuiltCourier { files, artifacts: vec![wasm.artifact, native.artifact] })
}

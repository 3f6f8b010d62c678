//! What an embedder's own host gives to guests beside WASI and the agents' functions.

use super::host::HostState;
use crate::subject::Attempt;
use caxton_model::case::Outcome;
use std::any::Any;
use std::sync::OnceLock;
use wasmtime::{Linker, component};

type Define<L> = Box<dyn Fn(&mut L) -> wasmtime::Result<()> + Send + Sync>;
type MakeData = Box<dyn Fn() -> Box<dyn Any + Send> + Send + Sync>;

/// The functions of an embedder's host, and the data that each guest's store holds for them.
#[derive(Default)]
pub struct HostFunctions {
    /// Defines functions for modules.
    pub module: Option<Define<Linker<HostState>>>,
    /// Defines functions for components.
    pub component: Option<Define<component::Linker<HostState>>>,
    /// Makes the data of one guest.
    pub data: Option<MakeData>,
}

static HOST: OnceLock<HostFunctions> = OnceLock::new();

/// Gives `functions` to all guests that this process compiles from now on. The first call counts:
/// a process has one host.
pub fn provide(functions: HostFunctions) {
    let _ = HOST.set(functions);
}

/// Whether an embedder brought functions of its own.
pub(super) fn is_provided() -> bool {
    HOST.get().is_some_and(|host| host.module.is_some() || host.component.is_some())
}

/// Gives the functions for modules to `linker`.
pub(super) fn define(linker: &mut Linker<HostState>) -> Attempt<()> {
    let own = HOST.get().and_then(|host| host.module.as_ref());
    own.map_or(Ok(()), |define| define(linker)).map_err(|error| failed(&error))
}

/// Gives the functions for components to `linker`.
pub(super) fn define_for_components(linker: &mut component::Linker<HostState>) -> Attempt<()> {
    let own = HOST.get().and_then(|host| host.component.as_ref());
    own.map_or(Ok(()), |define| define(linker)).map_err(|error| failed(&error))
}

/// The data of one guest, if the embedder has some.
pub(super) fn data() -> Option<Box<dyn Any + Send>> {
    HOST.get()?.data.as_ref().map(|make| make())
}

fn failed(error: &wasmtime::Error) -> Outcome {
    Outcome::Failed(format!("host functions of the bench: {error:#}"))
}

//! Components: a `wasi:cli/run` command, or a function of an exported interface.

use super::super::embedder;
use super::super::engine::{engine, refused};
use super::super::host::HostState;
use super::super::image::CompiledImage;
use super::super::options::EngineOptions;
use crate::subject::Attempt;
use crate::subject::words::{one_line, some};
use caxton_model::case::Outcome;
use caxton_model::program::{Entry, ProgramSpec, UnknownImports};
use wasmtime::component::types::{ComponentFunc, ComponentItem};
use wasmtime::component::wasm_wave::wasm::WasmValue;
use wasmtime::component::{Component, Func, Instance, InstancePre, Linker, Val, wasm_wave};
use wasmtime::{Engine, Store};
use wasmtime_wasi::p2::bindings::sync::Command as WasiCommand;
use wasmtime_wasi::{I32Exit, WasiCtxView, WasiView, p2};

impl WasiView for HostState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        self.wasi().ctx()
    }
}

/// A compiled component, linked to its host.
#[derive(Clone)]
pub(super) struct ComponentSubject {
    pub(super) pre: InstancePre<HostState>,
    function: Option<ComponentFunction>,
}

/// The function that is called, and its values.
#[derive(Clone)]
struct ComponentFunction {
    interface: Option<String>,
    name: String,
    params: Vec<Val>,
    results: usize,
}

impl ComponentSubject {
    /// Compiles `bytes`, a component in the binary format, and finds what `program` calls.
    ///
    /// # Errors
    /// `Refused`: no valid component, imports that the host does not have, no such function.
    pub(super) fn compile(
        bytes: &[u8],
        options: EngineOptions,
        program: &ProgramSpec,
    ) -> Attempt<Self> {
        let engine = engine(options)?;
        let component = Component::new(&engine, bytes);
        let component = component.map_err(|e| refused("no valid component", &e))?;
        let mut linker = Linker::new(&engine);
        p2::add_to_linker_sync(&mut linker).map_err(|e| refused("linker", &e))?;
        embedder::define_for_components(&mut linker)?;
        if program.unknown_imports == UnknownImports::Trap {
            let defined = linker.define_unknown_imports_as_traps(&component);
            defined.map_err(|e| refused("linker", &e))?;
        }
        let pre = linker.instantiate_pre(&component);
        let pre = pre.map_err(|e| refused("it imports what the host does not have", &e))?;
        let function = match &program.entry {
            Entry::Command => {
                is_command(&component)?;
                None
            }
            Entry::Function { name, args } => {
                Some(ComponentFunction::find(&component, name, args)?)
            }
            Entry::Bytes { .. } => {
                let why = "a component takes values, not an address and a length";
                return Err(Outcome::Refused(why.to_owned()));
            }
        };
        Ok(Self { pre, function })
    }

    pub(super) fn image(&self) -> CompiledImage {
        CompiledImage::Component(self.pre.component().clone())
    }

    /// The function to call in a fresh instance.
    pub(super) fn place(&self, store: &mut Store<HostState>) -> wasmtime::Result<ComponentCall> {
        let instance = self.pre.instantiate(&mut *store)?;
        let Some(function) = &self.function else {
            return Ok(ComponentCall::Run(Box::new(WasiCommand::new(store, &instance)?)));
        };
        let func = function.of(store, &instance);
        let func = func.ok_or_else(|| wasmtime::Error::msg("its function is not there"))?;
        let (params, results) = (function.params.clone(), function.results);
        Ok(ComponentCall::Function { func, params, results })
    }
}

/// What of an instance is called.
pub(super) enum ComponentCall {
    /// A command.
    Run(Box<WasiCommand>),
    Function {
        func: Func,
        params: Vec<Val>,
        results: usize,
    },
}

impl ComponentCall {
    /// What a function returned; none for a command, which answers on its standard output.
    pub(super) fn call(&self, store: &mut Store<HostState>) -> wasmtime::Result<Option<Vec<Val>>> {
        match self {
            Self::Run(run) => {
                let ended = run.wasi_cli_run().call_run(&mut *store)?;
                // `err` is how a command says that it failed; exit code 1 by convention.
                ended.map_err(|()| wasmtime::Error::from(I32Exit(1)))?;
                Ok(None)
            }
            Self::Function { func, params, results } => {
                let mut values = vec![Val::Bool(false); *results];
                func.call(store, params, &mut values)?;
                Ok(Some(values))
            }
        }
    }
}

/// A value a line, as WAVE writes them.
pub(super) fn values_text<V: WasmValue>(values: &[V]) -> Vec<u8> {
    let text = |value: &V| wasm_wave::to_string(value).unwrap_or_else(|e| format!("({e})"));
    values.iter().map(text).collect::<Vec<_>>().join("\n").into_bytes()
}

/// A function that a component exports, by itself or in an interface.
struct Exported {
    interface: Option<String>,
    name: String,
    ty: ComponentFunc,
}

impl Exported {
    fn all(component: &Component, engine: &Engine) -> Vec<Self> {
        let mut all = Vec::new();
        for (export, item) in component.component_type().exports(engine) {
            match item.ty {
                ComponentItem::ComponentFunc(ty) => {
                    all.push(Self { interface: None, name: export.to_owned(), ty });
                }
                ComponentItem::ComponentInstance(instance) => {
                    for (name, item) in instance.exports(engine) {
                        let ComponentItem::ComponentFunc(ty) = item.ty else { continue };
                        let interface = Some(export.to_owned());
                        all.push(Self { interface, name: name.to_owned(), ty });
                    }
                }
                _ => {}
            }
        }
        all
    }

    /// Whether `wanted` is its name, its interface given in full (`demo:text/api@1.0.0`), by its
    /// last part (`api`), or not at all.
    fn is(&self, wanted: &str) -> bool {
        let Some(interface) = &self.interface else { return self.name == wanted };
        let unversioned = interface.split('@').next().unwrap_or(interface);
        let short = unversioned.rsplit('/').next().unwrap_or(unversioned);
        let name = &self.name;
        wanted == name
            || [interface, unversioned, short]
                .iter()
                .any(|of| wanted == format!("{of}.{name}") || wanted == format!("{of}#{name}"))
    }

    fn full_name(&self) -> String {
        match &self.interface {
            Some(interface) => format!("{interface}#{}", self.name),
            None => self.name.clone(),
        }
    }
}

/// Fails unless `component` exports `wasi:cli/run`.
fn is_command(component: &Component) -> Attempt<()> {
    let all = Exported::all(component, component.engine());
    let runs = |of: &Exported| {
        of.name == "run" && of.interface.as_ref().is_some_and(|i| i.starts_with("wasi:cli/run@"))
    };
    if all.iter().any(runs) {
        return Ok(());
    }
    let names = some(all.iter().map(Exported::full_name));
    let names = if names.is_empty() { "none".to_owned() } else { names };
    let why = format!(
        "a component without wasi:cli/run: name a function of it with --invoke; it has {names}"
    );
    Err(Outcome::Refused(one_line(&why)))
}

impl ComponentFunction {
    fn find(component: &Component, wanted: &str, args: &str) -> Attempt<Self> {
        let engine = component.engine();
        let mut all = Exported::all(component, engine);
        let fits: Vec<usize> = (0..all.len()).filter(|&at| all[at].is(wanted)).collect();
        let [at] = fits[..] else {
            let names = some(all.iter().map(Exported::full_name));
            let how = if fits.is_empty() { "no" } else { "more than one" };
            let why = format!("it exports {how} function {wanted}, of these: {names}");
            return Err(Outcome::Refused(one_line(&why)));
        };
        let Exported { interface, name, ty } = all.swap_remove(at);
        let types: Vec<_> = ty.params().map(|(_, ty)| ty).collect();
        let call = format!("f({args})");
        let params = wasm_wave::untyped::UntypedFuncCall::parse(&call)
            .and_then(|call| call.to_wasm_params(&types));
        let params = params.map_err(|error| {
            Outcome::Refused(one_line(&format!("{name}({args}) is no call of {name}: {error}")))
        })?;
        Ok(Self { interface, name, params, results: ty.results().len() })
    }

    fn of(&self, store: &mut Store<HostState>, instance: &Instance) -> Option<Func> {
        let interface = match &self.interface {
            Some(interface) => Some(instance.get_export_index(&mut *store, None, interface)?),
            None => None,
        };
        let index = instance.get_export_index(&mut *store, interface.as_ref(), &self.name)?;
        instance.get_func(store, index)
    }
}

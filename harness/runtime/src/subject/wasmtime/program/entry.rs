//! What of a program is called, with what, and where its reply is.

use super::super::host::HostState;
use super::super::instance::died;
use super::component::{ComponentCall, values_text};
use crate::subject::words::{one_line, some};
use crate::subject::{Attempt, REPLY_BYTES_MAX};
use caxton_model::case::Outcome;
use caxton_model::program::Entry;
use std::cell::OnceCell;
use std::ops::Range;
use wasmtime::component::wasm_wave::untyped::UntypedFuncCall;
use wasmtime::{
    ExternType, Func, FuncType, Instance, Memory, Module, Store, TypedFunc, Val, ValType,
};

/// The function that a call calls.
pub(super) enum Callee {
    Start(TypedFunc<(), ()>),
    Component(ComponentCall),
    Function { func: Func, results: usize },
    Bytes(BytesFunction),
}

/// A function of bytes, and the room for its message.
pub(super) struct BytesFunction {
    memory: Memory,
    func: Func,
    packed: bool,
    allocate: TypedFunc<u32, u32>,
    /// Where a message may lie.
    room: Range<usize>,
}

/// Where the reply of a call is.
#[derive(Default)]
pub(super) enum Called {
    #[default]
    Nothing,
    Output(Vec<u8>),
    /// Values, and their text from when it was first asked for.
    Values(Vec<Val>, OnceCell<Vec<u8>>),
    ComponentValues(Vec<wasmtime::component::Val>, OnceCell<Vec<u8>>),
    Memory(Memory, Range<usize>),
}

impl Called {
    /// What a command wrote to its standard output.
    pub(super) fn of_command(store: &Store<HostState>) -> Self {
        let output = store.data().system.as_ref().and_then(|system| system.stdout.as_ref());
        Self::Output(output.map(|stdout| stdout.take()).unwrap_or_default())
    }

    pub(super) fn reply<'a>(&'a self, store: &'a Store<HostState>) -> &'a [u8] {
        match self {
            Self::Nothing => &[],
            Self::Output(bytes) => bytes,
            Self::Values(values, text) => text.get_or_init(|| values_text(values)),
            Self::ComponentValues(values, text) => text.get_or_init(|| values_text(values)),
            Self::Memory(memory, range) => &memory.data(store)[range.clone()],
        }
    }
}

fn exported(module: &Module, name: &str) -> Attempt<FuncType> {
    match module.get_export(name) {
        Some(ExternType::Func(ty)) => Ok(ty),
        _ => {
            let functions = module.exports().filter(|e| matches!(e.ty(), ExternType::Func(_)));
            let names: Vec<String> = functions.map(|export| export.name().to_owned()).collect();
            let hint = match name {
                "_start" if !names.is_empty() => ": call one with --invoke 'NAME(VALUES)'",
                _ => "",
            };
            let names = some(names.into_iter());
            let why = format!("it exports no function {name}, only: {names}{hint}");
            Err(Outcome::Refused(one_line(&why)))
        }
    }
}

/// The values that `entry` asks for, of the types that `module` gives its parameters.
pub(super) fn params(module: &Module, entry: &Entry) -> Attempt<Vec<Val>> {
    match entry {
        Entry::Command => exported(module, "_start").map(|_| Vec::new()),
        Entry::Bytes { name, allocator } => {
            is_of_bytes(&exported(module, name)?, name)?;
            exported(module, allocator).map(|_| Vec::new())
        }
        Entry::Function { name, args } => {
            let ty = exported(module, name)?;
            let types: Vec<ValType> = ty.params().collect();
            let call = format!("f({args})");
            let values = UntypedFuncCall::parse(&call).and_then(|call| call.to_wasm_params(&types));
            values.map_err(|error| {
                let names: Vec<String> = types.iter().map(ToString::to_string).collect();
                let why =
                    format!("{name}({args}) is no call of {name}({}): {error}", names.join(", "));
                Outcome::Refused(one_line(&why))
            })
        }
    }
}

/// Whether its reply is one packed value; an error unless `ty` is that of a function of bytes.
fn is_of_bytes(ty: &FuncType, name: &str) -> Attempt<bool> {
    let params: Vec<String> = ty.params().map(|ty| ty.to_string()).collect();
    let results: Vec<String> = ty.results().map(|ty| ty.to_string()).collect();
    let [params, results] = [params.join(", "), results.join(", ")];
    match (&*params, &*results) {
        ("i32, i32", "i64") => Ok(true),
        ("i32, i32", "i32, i32") => Ok(false),
        _ => Err(Outcome::Refused(format!(
            "{name} is ({params}) -> ({results}); a function of bytes is (i32, i32) -> (i64) or \
             (i32, i32) -> (i32, i32): address and length"
        ))),
    }
}

impl Callee {
    pub(super) fn of(
        store: &mut Store<HostState>,
        instance: &Instance,
        entry: &Entry,
    ) -> Attempt<Self> {
        let absent = |name: &str| Outcome::Refused(format!("it exports no function {name}"));
        let typed = |e: wasmtime::Error| Outcome::Refused(one_line(&format!("{e:#}")));
        match entry {
            Entry::Command => {
                instance.get_typed_func(store, "_start").map(Self::Start).map_err(typed)
            }
            Entry::Function { name, .. } => {
                let func = instance.get_func(&mut *store, name).ok_or_else(|| absent(name))?;
                let results = func.ty(&*store).results().len();
                Ok(Self::Function { func, results })
            }
            Entry::Bytes { name, allocator } => {
                let func = instance.get_func(&mut *store, name).ok_or_else(|| absent(name))?;
                let packed = is_of_bytes(&func.ty(&*store), name)?;
                let allocate = instance.get_typed_func(&mut *store, allocator).map_err(typed)?;
                let memory = store.data().memory;
                let memory =
                    memory.ok_or_else(|| Outcome::Refused("it exports no memory".to_owned()))?;
                Ok(Self::Bytes(BytesFunction { memory, func, packed, allocate, room: 0..0 }))
            }
        }
    }

    /// Makes room for a message of `bytes`, where messages are handed over in memory.
    pub(super) fn reserve(&mut self, store: &mut Store<HostState>, bytes: usize) -> Attempt<()> {
        let Self::Bytes(function) = self else { return Ok(()) };
        let wanted = u32::try_from(bytes)
            .map_err(|_| Outcome::Refused(format!("a message of {bytes} bytes: over 4 GiB")))?;
        let at = function.allocate.call(&mut *store, wanted);
        let at = at.map_err(|e| Outcome::DiedInTheMiddle(died(store, "the allocator", &e)))?;
        function.room = within(store, &function.memory, [at, wanted])
            .map_err(|why| Outcome::DiedInTheMiddle(format!("the allocator gave {why}")))?;
        Ok(())
    }

    /// What `last`, the call before, left is used again.
    pub(super) fn call(
        &mut self,
        store: &mut Store<HostState>,
        message: &[u8],
        params: &[Val],
        last: Called,
    ) -> wasmtime::Result<Called> {
        match self {
            Self::Start(start) => {
                start.call(&mut *store, ())?;
                Ok(Called::of_command(store))
            }
            Self::Component(call) => Ok(match call.call(store)? {
                Some(values) => Called::ComponentValues(values, OnceCell::new()),
                None => Called::of_command(store),
            }),
            Self::Function { func, results } => {
                let mut values = match last {
                    Called::Values(values, _) => values,
                    _ => vec![Val::I32(0); *results],
                };
                func.call(&mut *store, params, &mut values)?;
                Ok(Called::Values(values, OnceCell::new()))
            }
            Self::Bytes(function) => function.call(store, message),
        }
    }
}

impl BytesFunction {
    fn call(&self, store: &mut Store<HostState>, message: &[u8]) -> wasmtime::Result<Called> {
        let room = &mut self.memory.data_mut(&mut *store)[self.room.clone()];
        let Some(room) = room.get_mut(..message.len()) else {
            return Err(wasmtime::Error::msg("the message is longer than the room for it"));
        };
        room.copy_from_slice(message);
        let params = [Val::I32(self.room.start as i32), Val::I32(message.len() as i32)];
        let mut values = [Val::I64(0), Val::I32(0)];
        let results = if self.packed { 1 } else { 2 };
        self.func.call(&mut *store, &params, &mut values[..results])?;
        let lies = match values {
            [Val::I64(packed), _] => [(packed as u64 >> 32) as u32, packed as u32],
            [Val::I32(at), Val::I32(bytes)] => [at as u32, bytes as u32],
            _ => return Err(wasmtime::Error::msg("results of other types than it declares")),
        };
        match within(store, &self.memory, lies) {
            Ok(range) => Ok(Called::Memory(self.memory, range)),
            Err(why) => Err(wasmtime::Error::msg(format!("its reply is {why}"))),
        }
    }
}

/// A range of `memory` that begins at an address and is so many bytes long, or what is wrong
/// with it.
fn within(
    store: &Store<HostState>,
    memory: &Memory,
    [at, bytes]: [u32; 2],
) -> Result<Range<usize>, String> {
    let (at, bytes) = (at as usize, bytes as usize);
    if bytes > REPLY_BYTES_MAX {
        return Err(format!("{bytes} bytes long, more than {REPLY_BYTES_MAX}"));
    }
    let size = memory.data_size(store);
    if at + bytes > size {
        return Err(format!("{bytes} bytes at {at:#x}, outside its memory of {size} bytes"));
    }
    Ok(at..at + bytes)
}

//! An instance's state beside its memory: mutable globals and tables, as values that mean the same
//! in every instance of the module. A function is its index in the module.

use super::checkpoint_error::CheckpointError;
use super::expose::Places;
use super::host::HostState;
use std::collections::HashMap;
use wasmtime::{Extern, Func, Global, HeapType, Instance, Ref, Store, Table, V128, Val, ValType};

/// What a global holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Value {
    I32(i32),
    I64(i64),
    /// The bits.
    F32(u32),
    /// The bits.
    F64(u64),
    V128(u128),
    Reference(Reference),
}

/// A function by its index, or null of whatever type.
pub(super) type Reference = Option<u32>;

/// The state of one instance beside its memory.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Variables {
    /// In the order of the module's mutable globals.
    pub(super) globals: Vec<Value>,
    /// In the order of the tables that the module writes to.
    pub(super) tables: Vec<Vec<Reference>>,
}

/// The handles of one instance.
pub(super) struct Access {
    globals: Vec<(u32, Global)>,
    tables: Vec<(u32, Table)>,
    functions: HashMap<u32, Func>,
    /// Their indices by where the engine keeps them, which is what makes a function the same.
    by_address: HashMap<usize, u32>,
}

impl Access {
    /// Finds what `places` tells of in `instance`.
    pub(super) fn of(store: &mut Store<HostState>, instance: &Instance, places: &Places) -> Self {
        let mut access = Self {
            globals: Vec::new(),
            tables: Vec::new(),
            functions: HashMap::new(),
            by_address: HashMap::new(),
        };
        let all = [&places.globals, &places.tables, &places.functions];
        for (index, export) in all.into_iter().flatten() {
            match instance.get_module_export(&mut *store, export) {
                Some(Extern::Global(global)) => access.globals.push((*index, global)),
                Some(Extern::Table(table)) => access.tables.push((*index, table)),
                Some(Extern::Func(function)) => {
                    let address = function.to_raw(&mut *store) as usize;
                    access.by_address.insert(address, *index);
                    access.functions.insert(*index, function);
                }
                _ => {}
            }
        }
        access
    }

    /// The state as it is now.
    pub(super) fn read(&self, store: &mut Store<HostState>) -> Result<Variables, CheckpointError> {
        let mut variables = Variables::default();
        for (index, global) in &self.globals {
            let value = global.get(&mut *store);
            let value = self.value(store, &value).map_err(|what| CheckpointError::Unnameable {
                place: format!("global {index}"),
                what,
            })?;
            variables.globals.push(value);
        }
        for (index, table) in &self.tables {
            let elements = (0..table.size(&*store)).map(|at| {
                let element = table.get(&mut *store, at).unwrap_or(Ref::Func(None));
                self.reference(store, &element).map_err(|what| CheckpointError::Unnameable {
                    place: format!("element {at} of table {index}"),
                    what,
                })
            });
            variables.tables.push(elements.collect::<Result<_, _>>()?);
        }
        Ok(variables)
    }

    fn value(&self, store: &mut Store<HostState>, value: &Val) -> Result<Value, &'static str> {
        Ok(match value {
            Val::I32(value) => Value::I32(*value),
            Val::I64(value) => Value::I64(*value),
            Val::F32(bits) => Value::F32(*bits),
            Val::F64(bits) => Value::F64(*bits),
            Val::V128(value) => Value::V128(value.as_u128()),
            other => {
                let reference = other.ref_().ok_or("a value of an unknown type")?;
                Value::Reference(self.reference(store, &reference)?)
            }
        })
    }

    fn reference(
        &self,
        store: &mut Store<HostState>,
        reference: &Ref,
    ) -> Result<Reference, &'static str> {
        match reference {
            Ref::Func(Some(function)) => {
                let index = self.by_address.get(&(function.to_raw(&mut *store) as usize));
                index.copied().map(Some).ok_or("a function of another instance")
            }
            reference if reference.is_null() => Ok(None),
            Ref::Extern(_) => Err("a reference of the host's"),
            _ => Err("a reference to an object"),
        }
    }

    /// Makes the state what `variables` says.
    pub(super) fn write(
        &self,
        store: &mut Store<HostState>,
        variables: &Variables,
    ) -> Result<(), CheckpointError> {
        let is_alike = variables.globals.len() == self.globals.len()
            && variables.tables.len() == self.tables.len();
        if !is_alike {
            return Err(CheckpointError::Corrupt("number of globals or tables"));
        }
        for ((index, global), value) in self.globals.iter().zip(&variables.globals) {
            let ty = global.ty(&*store);
            let value = self.val(*value, ty.content())?;
            global
                .set(&mut *store, value)
                .map_err(|error| CheckpointError::unfit(format!("global {index}"), &error))?;
        }
        for ((index, table), elements) in self.tables.iter().zip(&variables.tables) {
            self.write_table(store, table, elements)
                .map_err(|error| CheckpointError::unfit(format!("table {index}"), &error))?;
        }
        Ok(())
    }

    fn val(&self, value: Value, ty: &ValType) -> Result<Val, CheckpointError> {
        Ok(match value {
            Value::I32(value) => Val::I32(value),
            Value::I64(value) => Val::I64(value),
            Value::F32(bits) => Val::F32(bits),
            Value::F64(bits) => Val::F64(bits),
            Value::V128(value) => Val::V128(V128::from(value)),
            Value::Reference(reference) => {
                let heap = ty.as_ref().ok_or(CheckpointError::Corrupt("type of a global"))?;
                let reference = self.ref_(reference, heap.heap_type());
                reference.ok_or(CheckpointError::Corrupt("function in a global"))?.into()
            }
        })
    }

    /// A reference of this instance; none if the module names no such function.
    fn ref_(&self, reference: Reference, heap: &HeapType) -> Option<Ref> {
        match reference {
            Some(index) => self.functions.get(&index).map(|function| Ref::Func(Some(*function))),
            None => Some(Ref::null(heap)),
        }
    }

    fn write_table(
        &self,
        store: &mut Store<HostState>,
        table: &Table,
        elements: &[Reference],
    ) -> wasmtime::Result<()> {
        let ty = table.ty(&*store);
        let find = |reference: Reference| {
            let found = self.ref_(reference, ty.element().heap_type());
            found.ok_or_else(|| wasmtime::Error::msg("it holds a function that nothing names"))
        };
        let size = table.size(&*store);
        let missing = (elements.len() as u64).checked_sub(size);
        let missing = missing.ok_or_else(|| wasmtime::Error::msg("it was shorter then"))?;
        if let (Some(last), 1..) = (elements.last(), missing) {
            table.grow(&mut *store, missing, find(*last)?)?;
        }
        for (at, wanted) in (0..).zip(elements) {
            let is_there = table
                .get(&mut *store, at)
                .is_some_and(|there| self.reference(store, &there) == Ok(*wanted));
            if !is_there {
                table.set(&mut *store, at, find(*wanted)?)?;
            }
        }
        Ok(())
    }
}

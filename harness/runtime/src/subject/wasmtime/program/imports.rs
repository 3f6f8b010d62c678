//! What a program may import beside WASI: the marks around its measured section, and whatever the
//! host does not know.

use super::super::host::HostState;
use super::super::marks::MODULE;
use crate::subject::Attempt;
use crate::subject::words::one_line;
use caxton_model::case::Outcome;
use caxton_model::program::{ProgramSpec, UnknownImports};
use caxton_sys::clock::{Clock, Monotonic};
use wasmtime::{Caller, Engine, ExternType, Linker, Module, Store, Val};

/// Gives `linker` what `module` imports beside WASI.
///
/// # Errors
/// `Refused`, with the names of all that the host does not have.
pub(crate) fn define(
    linker: &mut Linker<HostState>,
    engine: &Engine,
    module: &Module,
    program: &ProgramSpec,
) -> Attempt<()> {
    let failed = |error: wasmtime::Error| Outcome::Failed(format!("linker: {error:#}"));
    marks(linker).map_err(failed)?;
    let unknown = unknown(linker, engine, module);
    let has_data = unknown.iter().any(|import| !import.is_function());
    if unknown.is_empty() {
        return Ok(());
    }
    if has_data || program.unknown_imports == UnknownImports::Refuse {
        return Err(Outcome::Refused(refusal(&unknown, has_data)));
    }
    for import in unknown {
        import.stand_in(linker, program.unknown_imports).map_err(failed)?;
    }
    Ok(())
}

fn marks(linker: &mut Linker<HostState>) -> wasmtime::Result<()> {
    linker.func_wrap(MODULE, "start", |mut caller: Caller<'_, HostState>| {
        if let Some(marks) = &mut caller.data_mut().marks {
            marks.start(Monotonic.now());
        }
    })?;
    linker.func_wrap(MODULE, "end", |mut caller: Caller<'_, HostState>| {
        let now = Monotonic.now();
        if let Some(marks) = &mut caller.data_mut().marks {
            marks.end(now);
        }
    })?;
    Ok(())
}

/// An import that the host does not have.
struct UnknownImport {
    module: String,
    name: String,
    ty: ExternType,
}

fn unknown(linker: &Linker<HostState>, engine: &Engine, module: &Module) -> Vec<UnknownImport> {
    let mut store = Store::new(engine, HostState::new(None));
    let absent =
        module.imports().filter(|import| linker.get_by_import(&mut store, import).is_none());
    absent
        .map(|import| UnknownImport {
            module: import.module().to_owned(),
            name: import.name().to_owned(),
            ty: import.ty(),
        })
        .collect()
}

impl UnknownImport {
    fn is_function(&self) -> bool {
        matches!(self.ty, ExternType::Func(_))
    }

    fn kind(&self) -> &'static str {
        match self.ty {
            ExternType::Func(_) => "function",
            ExternType::Global(_) => "global",
            ExternType::Table(_) => "table",
            ExternType::Memory(_) => "memory",
            ExternType::Tag(_) => "tag",
        }
    }

    fn stand_in(
        self,
        linker: &mut Linker<HostState>,
        instead: UnknownImports,
    ) -> wasmtime::Result<()> {
        let ExternType::Func(ty) = self.ty else { return Ok(()) };
        let name = format!("{}.{}", self.module, self.name);
        let zeros = ty.results().map(|ty| Val::default_for_ty(&ty)).collect::<Option<Vec<_>>>();
        linker.func_new(&self.module, &self.name, ty, move |_, _, results| {
            match (&zeros, instead) {
                (Some(zeros), UnknownImports::Default) => {
                    results.clone_from_slice(zeros);
                    Ok(())
                }
                (None, UnknownImports::Default) => Err(wasmtime::Error::msg(format!(
                    "it called {name}, whose result has no default value"
                ))),
                _ => Err(wasmtime::Error::msg(format!(
                    "it called {name}, which the host does not have"
                ))),
            }
        })?;
        Ok(())
    }
}

fn refusal(unknown: &[UnknownImport], has_data: bool) -> String {
    const NAMED_MAX: usize = 20;
    let named = unknown.iter().take(NAMED_MAX).map(|import| {
        let kind =
            if import.is_function() { String::new() } else { format!(" ({})", import.kind()) };
        format!("{}.{}{kind}", import.module, import.name)
    });
    let named = named.collect::<Vec<_>>().join(", ");
    let more = match unknown.len().saturating_sub(NAMED_MAX) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let way_out = if has_data {
        "only functions can be stood in for"
    } else {
        "`--unknown-imports trap` runs it until it calls one, `default` returns zeros"
    };
    one_line(&format!("it imports what the host does not have: {named}{more}; {way_out}"))
}

//! The marks that a program sets around the section that is to be timed.

use caxton_model::units::Nanos;
use wasmtime::Module;

/// The module that has them: `bench.start` and `bench.end`, each called once in a run.
pub(super) const MODULE: &str = "bench";

/// When a program's section began and ended in this call.
#[derive(Debug, Clone, Default)]
pub(super) struct Marks {
    start: Option<Nanos>,
    end: Option<Nanos>,
    fault: Option<&'static str>,
}

impl Marks {
    /// None for a module that does not mark a section.
    pub(super) fn of(module: &Module) -> Option<Self> {
        module.imports().any(|import| import.module() == MODULE).then(Self::default)
    }

    pub(super) fn start(&mut self, at: Nanos) {
        if self.start.replace(at).is_some() {
            self.fault = Some("it called bench.start twice");
        }
    }

    pub(super) fn end(&mut self, at: Nanos) {
        if self.start.is_none() {
            self.fault = Some("it called bench.end before bench.start");
        } else if self.end.replace(at).is_some() {
            self.fault = Some("it called bench.end twice");
        }
    }

    /// The section's time; the marks are as before the first call.
    pub(super) fn take(&mut self) -> Result<Nanos, String> {
        match std::mem::take(self) {
            Self { fault: Some(fault), .. } => Err(fault.to_owned()),
            Self { start: Some(start), end: Some(end), .. } => Ok(Nanos(end.0 - start.0)),
            Self { start: None, .. } => Err("it never called bench.start".to_owned()),
            Self { .. } => Err("it never called bench.end".to_owned()),
        }
    }
}

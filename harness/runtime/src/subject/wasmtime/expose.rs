//! What a checkpoint must see of an instance and wasmtime does not show: mutable globals and tables
//! that the module keeps to itself. The module is given exports of them under names of ours. No
//! index changes, and no section but that of exports.
//!
//! A table that no instruction writes to is as the module made it; such tables are left out. A
//! module that drops segments is refused: nobody can ask an instance which ones it dropped.

use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;
use wasm_encoder::{ExportKind, ExportSection, RawSection, SectionId};
use wasmparser::{
    ConstExpr, DataKind, DataSectionReader, ElementItems, ElementKind, ElementSectionReader,
    Encoding, Export, ExternalKind, FunctionBody, ImportSectionReader, Operator, Parser, Payload,
    TableInit, TypeRef,
};
use wasmtime::{Module, ModuleExport};

/// What our exports begin with.
const PREFIX: &str = "caxton:";

/// Why a module cannot have checkpoints.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExposeError {
    /// Neither of the formats.
    #[error("no valid module: {0}")]
    Invalid(String),
    /// A name of ours is taken.
    #[error("it exports {0}: names with `caxton:` are the host's")]
    Reserved(String),
    /// State that nobody can see.
    #[error("it drops {0} segments, which no checkpoint can tell: build it without them")]
    Drops(&'static str),
}

impl From<wasmparser::Error> for ExposeError {
    fn from(error: wasmparser::Error) -> Self {
        Self::Invalid(error.to_string())
    }
}

/// A module whose state can be seen.
#[derive(Debug)]
pub struct Exposed {
    /// The module with its new exports.
    pub bytes: Vec<u8>,
    /// SHA-256 of the module as it was given.
    module: [u8; 32],
    names: Names,
}

/// Indices of what is exported under names of ours.
#[derive(Debug, Default)]
struct Names {
    globals: BTreeSet<u32>,
    tables: BTreeSet<u32>,
    functions: BTreeSet<u32>,
}

/// Where the state of a module's instances is found.
pub(super) struct Places {
    /// SHA-256 of the module as it was given.
    pub(super) module: [u8; 32],
    pub(super) globals: Vec<(u32, ModuleExport)>,
    pub(super) tables: Vec<(u32, ModuleExport)>,
    /// Every function that a global or a table may hold.
    pub(super) functions: Vec<(u32, ModuleExport)>,
}

impl Exposed {
    /// `bytes`, in the binary format or the text format, with our exports.
    ///
    /// # Errors
    /// It is no valid module, has exports of ours already, or state that cannot be seen.
    pub fn of(bytes: &[u8]) -> Result<Self, ExposeError> {
        let binary: Cow<'_, [u8]> =
            wat::parse_bytes(bytes).map_err(|error| ExposeError::Invalid(error.to_string()))?;
        let survey = Survey::of(&binary)?;
        let names = survey.names()?;
        let module = Sha256::digest(bytes).into();
        Ok(Self { bytes: survey.with_exports(&binary, &names)?, module, names })
    }

    /// Where `module`, compiled from these bytes, has them.
    pub(super) fn places(&self, module: &Module) -> Places {
        let find = |kind: char, indices: &BTreeSet<u32>| {
            let found = indices.iter().map(|index| {
                let export = module.get_export_index(&name(kind, *index));
                (*index, export.expect("it was compiled with our exports"))
            });
            found.collect()
        };
        Places {
            module: self.module,
            globals: find('g', &self.names.globals),
            tables: find('t', &self.names.tables),
            functions: find('f', &self.names.functions),
        }
    }
}

fn name(kind: char, index: u32) -> String {
    format!("{PREFIX}{kind}{index}")
}

/// What a module is made of, as far as it matters here.
#[derive(Default)]
struct Survey<'a> {
    /// Identity and content of each section, in order.
    sections: Vec<(u8, Range<usize>)>,
    exports: Vec<Export<'a>>,
    imported_functions: u32,
    globals: u32,
    mutable: BTreeSet<u32>,
    /// Mutable globals that may hold a function.
    holds_functions: bool,
    tables: u32,
    writes_tables: bool,
    /// Functions that a value may name.
    named: BTreeSet<u32>,
    passive_elements: BTreeSet<u32>,
    passive_data: BTreeSet<u32>,
    dropped_elements: BTreeSet<u32>,
    dropped_data: BTreeSet<u32>,
}

impl<'a> Survey<'a> {
    fn of(bytes: &'a [u8]) -> Result<Self, ExposeError> {
        let mut survey = Self::default();
        for payload in Parser::new(0).parse_all(bytes) {
            let payload = payload?;
            survey.sections.extend(payload.as_section());
            survey.read(payload)?;
        }
        Ok(survey)
    }

    fn read(&mut self, payload: Payload<'a>) -> Result<(), ExposeError> {
        match payload {
            Payload::Version { encoding: Encoding::Component, .. } => {
                return Err(ExposeError::Invalid("a component".to_owned()));
            }
            Payload::ImportSection(section) => self.read_imports(section)?,
            Payload::TableSection(section) => {
                for table in section {
                    self.tables += 1;
                    if let TableInit::Expr(init) = table?.init {
                        self.read_constant(&init)?;
                    }
                }
            }
            Payload::GlobalSection(section) => {
                for global in section {
                    let global = global?;
                    self.add_global(global.ty);
                    self.read_constant(&global.init_expr)?;
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    self.exports.push(export?);
                }
            }
            Payload::ElementSection(section) => self.read_elements(section)?,
            Payload::DataSection(section) => self.read_data(section)?,
            Payload::CodeSectionEntry(body) => self.read_code(&body)?,
            _ => {}
        }
        Ok(())
    }

    fn read_imports(&mut self, section: ImportSectionReader<'a>) -> Result<(), ExposeError> {
        for import in section.into_imports() {
            match import?.ty {
                TypeRef::Func(_) | TypeRef::FuncExact(_) => self.imported_functions += 1,
                TypeRef::Global(ty) => self.add_global(ty),
                TypeRef::Table(_) => self.tables += 1,
                TypeRef::Memory(_) | TypeRef::Tag(_) => {}
            }
        }
        Ok(())
    }

    fn add_global(&mut self, ty: wasmparser::GlobalType) {
        if ty.mutable {
            self.mutable.insert(self.globals);
            self.holds_functions |= ty.content_type.is_reference_type();
        }
        self.globals += 1;
    }

    fn read_elements(&mut self, section: ElementSectionReader<'a>) -> Result<(), ExposeError> {
        for (index, element) in section.into_iter().enumerate() {
            let element = element?;
            if matches!(element.kind, ElementKind::Passive) {
                self.passive_elements.insert(index as u32);
            }
            match element.items {
                ElementItems::Functions(functions) => {
                    for function in functions {
                        self.named.insert(function?);
                    }
                }
                ElementItems::Expressions(_, expressions) => {
                    for expression in expressions {
                        self.read_constant(&expression?)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn read_data(&mut self, section: DataSectionReader<'a>) -> Result<(), ExposeError> {
        for (index, data) in section.into_iter().enumerate() {
            if matches!(data?.kind, DataKind::Passive) {
                self.passive_data.insert(index as u32);
            }
        }
        Ok(())
    }

    fn read_constant(&mut self, expression: &ConstExpr<'a>) -> Result<(), ExposeError> {
        for operator in expression.get_operators_reader() {
            if let Operator::RefFunc { function_index } = operator? {
                self.named.insert(function_index);
            }
        }
        Ok(())
    }

    fn read_code(&mut self, body: &FunctionBody<'a>) -> Result<(), ExposeError> {
        for operator in body.get_operators_reader()? {
            match operator? {
                Operator::TableSet { .. }
                | Operator::TableGrow { .. }
                | Operator::TableFill { .. }
                | Operator::TableCopy { .. }
                | Operator::TableInit { .. } => self.writes_tables = true,
                Operator::RefFunc { function_index } => {
                    self.named.insert(function_index);
                }
                Operator::ElemDrop { elem_index } => {
                    self.dropped_elements.insert(elem_index);
                }
                Operator::DataDrop { data_index } => {
                    self.dropped_data.insert(data_index);
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// What is to be exported.
    fn names(&self) -> Result<Names, ExposeError> {
        if let Some(taken) = self.exports.iter().find(|export| export.name.starts_with(PREFIX)) {
            return Err(ExposeError::Reserved(taken.name.to_owned()));
        }
        // An active segment is dropped as soon as the instance is there, whatever the code does.
        if !self.passive_elements.is_disjoint(&self.dropped_elements) {
            return Err(ExposeError::Drops("element"));
        }
        if !self.passive_data.is_disjoint(&self.dropped_data) {
            return Err(ExposeError::Drops("data"));
        }
        let is_needed = self.writes_tables || self.holds_functions;
        Ok(Names {
            globals: self.mutable.clone(),
            tables: if self.writes_tables { (0..self.tables).collect() } else { BTreeSet::new() },
            functions: if is_needed { self.named.clone() } else { BTreeSet::new() },
        })
    }

    /// The module with `names` among its exports.
    fn with_exports(&self, bytes: &[u8], names: &Names) -> Result<Vec<u8>, ExposeError> {
        let mut exports = ExportSection::new();
        for export in &self.exports {
            exports.export(export.name, kind(export.kind), export.index);
        }
        for (kind, letter, indices) in [
            (ExportKind::Global, 'g', &names.globals),
            (ExportKind::Table, 't', &names.tables),
            (ExportKind::Func, 'f', &names.functions),
        ] {
            for index in indices {
                exports.export(&name(letter, *index), kind, *index);
            }
        }
        let mut module = wasm_encoder::Module::new();
        let mut exports = Some(exports);
        for (id, range) in &self.sections {
            if comes_after_exports(*id)
                && let Some(exports) = exports.take()
            {
                module.section(&exports);
            }
            if *id != SectionId::Export as u8 {
                let data = bytes
                    .get(range.clone())
                    .ok_or_else(|| ExposeError::Invalid("a section beyond the end".to_owned()))?;
                module.section(&RawSection { id: *id, data });
            }
        }
        if let Some(exports) = exports {
            module.section(&exports);
        }
        Ok(module.finish())
    }
}

/// Sections stand in a fixed order; custom ones anywhere.
fn comes_after_exports(id: u8) -> bool {
    [SectionId::Start, SectionId::Element, SectionId::DataCount, SectionId::Code, SectionId::Data]
        .into_iter()
        .any(|section| section as u8 == id)
}

fn kind(kind: ExternalKind) -> ExportKind {
    match kind {
        ExternalKind::Func | ExternalKind::FuncExact => ExportKind::Func,
        ExternalKind::Table => ExportKind::Table,
        ExternalKind::Memory => ExportKind::Memory,
        ExternalKind::Global => ExportKind::Global,
        ExternalKind::Tag => ExportKind::Tag,
    }
}

//! What a page is made of.

use caxton_model::record::Record;
use caxton_model::samples::Sample;

/// A run, as it is told.
#[derive(Debug, Clone, Copy)]
pub struct Told<'a> {
    /// Its record.
    pub record: &'a Record,
    /// Its raw readings.
    pub samples: &'a [Sample],
    /// What lies beside it and is shown: flame graphs, machine code.
    pub attachments: &'a [Attachment],
}

/// A picture or a listing from a run's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Its file, from the run's folder on.
    pub name: String,
    /// The SVG, or text; or why it is not shown.
    pub text: Result<String, String>,
}

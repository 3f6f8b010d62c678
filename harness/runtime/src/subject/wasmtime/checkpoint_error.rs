//! Why an agent could not be saved or put back.

/// Why there is no checkpoint, or nothing that it could be restored to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// The module was compiled as it is.
    #[error("compiled without checkpoints: set `checkpoints` in its EngineOptions")]
    NotPrepared,
    /// A reference that means nothing outside its instance.
    #[error("{place} holds {what}, which no checkpoint can name")]
    Unnameable {
        /// The global, or the table's element.
        place: String,
        /// What is there.
        what: &'static str,
    },
    /// Made of another module.
    #[error("a checkpoint of another module: compile the one that it was made of")]
    OtherModule,
    /// No bytes of ours.
    #[error("no checkpoint: it does not begin as one")]
    NoCheckpoint,
    /// Bytes of another form.
    #[error("a checkpoint of form {found}, this harness reads form {known}: make it anew")]
    OtherForm {
        /// What they say.
        found: u32,
        /// What can be read.
        known: u32,
    },
    /// Bytes are missing, or too many.
    #[error("a checkpoint of {told} bytes, of which {found} are there")]
    Truncated {
        /// How long it says it is.
        told: u64,
        /// How long it is.
        found: u64,
    },
    /// Not what was once written.
    #[error("a corrupt checkpoint: {0}")]
    Corrupt(&'static str),
    /// The instance cannot be made like it.
    #[error("it does not fit: {place}: {why}")]
    Unfit {
        /// Memory, a global, a table.
        place: String,
        /// The engine's refusal.
        why: String,
    },
    /// The kernel's refusal.
    #[error("no memory for a checkpoint: {0}")]
    System(String),
}

impl CheckpointError {
    pub(super) fn unfit(place: impl Into<String>, error: &wasmtime::Error) -> Self {
        Self::Unfit { place: place.into(), why: format!("{error:#}") }
    }

    #[expect(clippy::needless_pass_by_value, reason = "given to map_err")]
    pub(super) fn system(error: std::io::Error) -> Self {
        Self::System(error.to_string())
    }
}

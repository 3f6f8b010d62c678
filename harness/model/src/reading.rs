//! A value, or the reason why there is none. Never 0 for "none".

use serde::{Deserialize, Serialize};
use std::fmt;

/// What was read, or why it could not be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reading<T> {
    Known(T),
    Missing(Missing),
}

impl<T> Reading<T> {
    /// The value, if there is one.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Missing(_) => None,
        }
    }

    /// The same of another type, where there is a value.
    pub fn map<U>(&self, of: impl FnOnce(&T) -> U) -> Reading<U> {
        match self {
            Self::Known(value) => Reading::Known(of(value)),
            Self::Missing(why) => Reading::Missing(why.clone()),
        }
    }
}

impl<T> From<Result<T, Missing>> for Reading<T> {
    fn from(result: Result<T, Missing>) -> Self {
        match result {
            Ok(value) => Self::Known(value),
            Err(why) => Self::Missing(why),
        }
    }
}

/// Why a value is absent, in words a user can act on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// This machine cannot measure it.
    Unsupported(String),
    /// The machine could, but this process may not.
    NotPermitted(String),
    /// Nobody asked for it in this run, or it has no meaning for this case.
    NotRequested(String),
    Failed(String),
    /// What was measured has no such figure, or not yet.
    Undefined(String),
    /// It was measured, and cannot be told from what disturbed it.
    Unclear(String),
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsupported(why) => write!(f, "not supported: {why}"),
            Self::NotPermitted(why) => write!(f, "not permitted: {why}"),
            Self::NotRequested(why) => write!(f, "not measured: {why}"),
            Self::Failed(why) => write!(f, "failed: {why}"),
            Self::Undefined(why) => f.write_str(why),
            Self::Unclear(why) => write!(f, "UNCLEAR: {why}"),
        }
    }
}

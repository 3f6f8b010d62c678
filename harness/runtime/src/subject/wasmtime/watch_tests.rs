//! What a watch of code is told, and when.

use super::{EngineOptions, WasmSubject};
use crate::subject::{AgentInstance, Attempt};
use caxton_fixture::guest::guest;
use caxton_model::case::Outcome;
use caxton_model::profile::code::{Code, CodeWatch};
use std::sync::{Arc, Mutex};

/// Writes down what it is told, and lets go of code in a quiet moment of its own.
#[derive(Default)]
pub(super) struct Recorder {
    log: Mutex<Vec<String>>,
    /// What was loaded; empty where it must not be kept alive.
    kept: Mutex<Vec<Arc<dyn Code>>>,
    lets_go_at_once: bool,
    never_quiet: bool,
}

impl Recorder {
    /// One that lets go of all code at once.
    pub(super) fn forgetful() -> Self {
        Self { lets_go_at_once: true, ..Self::default() }
    }

    fn say(&self, what: String) {
        self.log.lock().unwrap().push(what);
    }

    pub(super) fn said(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    /// The code that was loaded last.
    pub(super) fn code(&self) -> Arc<dyn Code> {
        self.kept.lock().unwrap().last().expect("something was loaded").clone()
    }
}

impl CodeWatch for Recorder {
    fn while_quiet(&self, change: &mut dyn FnMut()) {
        if self.never_quiet {
            return;
        }
        self.say("quiet".to_owned());
        change();
        self.say("loud".to_owned());
    }

    fn loaded(&self, code: Arc<dyn Code>) {
        self.say(format!("loaded {}", code.name()));
        if !self.lets_go_at_once {
            self.kept.lock().unwrap().push(code);
        }
    }

    fn retired(&self, code: Arc<dyn Code>) {
        let others = Arc::strong_count(&code) - 1;
        self.say(format!("retired {}, held by {others} others", code.name()));
    }
}

fn echo(watch: &Arc<Recorder>) -> Attempt<WasmSubject> {
    compile(&guest("i32.const 64", "i32.const 0"), watch)
}

fn compile(text: &str, watch: &Arc<Recorder>) -> Attempt<WasmSubject> {
    let options = EngineOptions::default();
    WasmSubject::compile_watched("echo.wasm", text.as_bytes(), options, Some(watch.clone()))
}

#[test]
fn each_load_is_in_a_quiet_moment_and_told_after_it() {
    let watch = Arc::new(Recorder::default());
    let _first = echo(&watch).expect("valid");
    let _second = echo(&watch).expect("valid");
    let one = ["quiet", "loud", "loaded echo.wasm"];
    assert_eq!(watch.said(), [one, one].concat());
}

#[test]
fn a_module_that_is_refused_was_never_there() {
    let watch = Arc::new(Recorder::default());
    for text in ["(module (import \"env\" \"f\" (func)))", "(module"] {
        assert!(matches!(compile(text, &watch), Err(Outcome::Refused(_))), "{text}");
    }
    assert_eq!(watch.said(), ["quiet", "loud", "quiet", "loud"]);
}

#[test]
fn nothing_loads_without_a_quiet_moment() {
    let watch = Arc::new(Recorder { never_quiet: true, ..Recorder::default() });
    assert!(matches!(echo(&watch), Err(Outcome::Failed(_))));
    assert!(watch.said().is_empty());
}

#[test]
fn code_retires_once_when_the_subject_and_all_its_agents_are_gone() {
    let watch = Arc::new(Recorder::forgetful());
    let subject = echo(&watch).expect("valid");
    let clone = subject.clone();
    let mut first = subject.instantiate(None).expect("valid");
    let second = clone.instantiate(None).expect("valid");
    let before = watch.said();
    drop(subject);
    drop(second);
    drop(clone);
    first.reserve(16, 0).expect("room");
    first.call(b"still here").expect("its code is there");
    assert_eq!(watch.said(), before, "an agent still lives");
    drop(first);
    let retired = "retired echo.wasm, held by 0 others";
    assert_eq!(watch.said()[before.len()..], [retired]);
}

#[test]
fn an_agent_that_could_not_be_made_holds_nothing() {
    let watch = Arc::new(Recorder::forgetful());
    let subject = compile(&guest("unreachable", "i32.const 0"), &watch).expect("valid");
    assert!(subject.instantiate(None).is_err());
    drop(subject);
    assert_eq!(watch.said().last().unwrap(), "retired echo.wasm, held by 0 others");
}

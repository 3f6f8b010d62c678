//! A bench of a user's own workspace, as the user describes it.

use caxton_runtime::subject::wasmtime::{HostFunctions, HostState};
use caxton_runtime::wasmtime::{self, Linker, component};
use std::any::Any;
use std::fs;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// Names the folder of the bench's package to an executable that was built in another one.
pub(crate) const PACKAGE_VARIABLE: &str = "CAXTON_BENCH_PACKAGE";

/// What a workspace's own bench measures: its agents, its functions, and its host.
///
/// Made by [`main!`](crate::main), which hands it to the function that fills it. That function runs
/// in each process of a run, not always in the same folder: take messages from `include_bytes!`.
pub struct Bench {
    /// The folder of the package that the bench is in.
    pub(crate) folder: PathBuf,
    pub(crate) package: String,
    /// The bench target.
    pub(crate) target: String,
    /// Folders of agents, relative to the package's.
    pub(crate) agents: Vec<PathBuf>,
    pub(crate) functions: Vec<Function>,
    pub(crate) profile: String,
    pub(crate) features: Vec<String>,
    pub(crate) results: Option<PathBuf>,
    pub(crate) host: HostFunctions,
}

impl Bench {
    /// A bench of nothing: target `target` of the package `package` in `folder`.
    pub(crate) fn new(folder: &Path, package: &str, target: &str) -> Self {
        Self {
            folder: folder.to_owned(),
            package: package.to_owned(),
            target: target_called(folder, target),
            agents: Vec::new(),
            functions: Vec::new(),
            profile: "release".to_owned(),
            features: Vec::new(),
            results: None,
            host: HostFunctions::default(),
        }
    }

    /// Measures the agent whose package is in `folder`, relative to the package of the bench. It
    /// keeps the agent contract (crate `agent-abi`) and is called by the folder's name.
    pub fn agent(&mut self, folder: impl Into<PathBuf>) -> &mut Self {
        self.agents.push(folder.into());
        self
    }

    /// Measures `function`, which is built for WASM and natively.
    pub fn function(&mut self, function: Function) -> &mut Self {
        self.functions.push(function);
        self
    }

    /// Builds both sides with this profile of the workspace; `release` unless said.
    pub fn profile(&mut self, name: impl Into<String>) -> &mut Self {
        self.profile = name.into();
        self
    }

    /// Builds agents, and the crates of functions, with this feature of theirs.
    pub fn feature(&mut self, name: impl Into<String>) -> &mut Self {
        self.features.push(name.into());
        self
    }

    /// Keeps runs and baselines in `folder`, relative to the package of the bench; unless said, in
    /// `caxton-bench/` of the workspace's target folder.
    pub fn results(&mut self, folder: impl Into<PathBuf>) -> &mut Self {
        self.results = Some(folder.into());
        self
    }

    /// Gives modules the functions of your own host, beside WASI. `define` is called for each
    /// engine that is made.
    pub fn host(
        &mut self,
        define: impl Fn(&mut Linker<HostState>) -> wasmtime::Result<()> + Send + Sync + 'static,
    ) -> &mut Self {
        self.host.module = Some(Box::new(define));
        self
    }

    /// The same for components: what `wasmtime::component::bindgen!` makes goes in here.
    pub fn component_host(
        &mut self,
        define: impl Fn(&mut component::Linker<HostState>) -> wasmtime::Result<()>
        + Send
        + Sync
        + 'static,
    ) -> &mut Self {
        self.host.component = Some(Box::new(define));
        self
    }

    /// Makes the data that each guest's store holds for those functions, which reach it by
    /// [`HostState::data_mut`].
    pub fn host_data<T: Any + Send>(
        &mut self,
        make: impl Fn() -> T + Send + Sync + 'static,
    ) -> &mut Self {
        self.host.data = Some(Box::new(move || Box::new(make())));
        self
    }
}

/// The bench target of the package in `folder` whose crate is called `name`: a crate's name has no
/// hyphens, and cargo must be told the target's.
fn target_called(folder: &Path, name: &str) -> String {
    let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap_or_default();
    let manifest: Table = manifest.parse().unwrap_or_default();
    let told = manifest.get("bench").and_then(Value::as_array).into_iter().flatten();
    let told = told.filter_map(|target| Some(target.get("name")?.as_str()?.to_owned()));
    let found = fs::read_dir(folder.join("benches")).into_iter().flatten().flatten();
    let found = found.filter_map(|entry| Some(entry.path().file_stem()?.to_str()?.to_owned()));
    let mut all = told.chain(found);
    all.find(|target| target.replace('-', "_") == name).unwrap_or_else(|| name.to_owned())
}

/// A function of a library crate, and what it is called with. [`function!`](crate::function) makes
/// one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// Such as `shop::top_words`.
    pub(crate) path: String,
    pub(crate) name: String,
    pub(crate) message: Vec<u8>,
    pub(crate) reply: Option<Vec<u8>>,
}

impl Function {
    /// The function at `path`, called by the last word of it, with an empty message.
    #[doc(hidden)]
    pub fn new(path: &str) -> Self {
        let name = path.rsplit("::").next().unwrap_or_default().trim().to_owned();
        Self { path: path.to_owned(), name, message: Vec::new(), reply: None }
    }

    /// The package that calls the function `name`.
    pub(crate) fn caller_of(name: &str) -> String {
        format!("caxton-function-{name}")
    }

    /// Calls it `name` in tables: for a function that is measured with several messages.
    #[must_use]
    pub fn named(self, name: impl Into<String>) -> Self {
        Self { name: name.into(), ..self }
    }

    /// Calls it with `message`.
    #[must_use]
    pub fn message(self, message: impl Into<Vec<u8>>) -> Self {
        Self { message: message.into(), ..self }
    }

    /// Expects `reply`. Without it both sides must answer the same.
    #[must_use]
    pub fn reply(self, reply: impl Into<Vec<u8>>) -> Self {
        Self { reply: Some(reply.into()), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_called_by_its_last_word_unless_it_is_named() {
        let function = Function::new("shop :: text :: top_words");
        assert_eq!(&*function.name, "top_words");
        let named = function.clone().named("long").message(*b"a").reply("b");
        assert_eq!((&*named.name, &named.message[..]), ("long", &b"a"[..]));
        assert_eq!((named.path, named.reply), (function.path, Some(b"b".to_vec())));
    }

    #[test]
    fn cargo_is_told_the_targets_own_name() {
        let folder = tempfile::tempdir().expect("a folder");
        let home = folder.path();
        assert_eq!(target_called(home, "my_agents"), "my_agents");
        fs::create_dir(home.join("benches")).expect("a fresh folder");
        fs::write(home.join("benches/my-agents.rs"), "").expect("a fresh folder");
        assert_eq!(target_called(home, "my_agents"), "my-agents");
        let manifest = "[[bench]]\nname = 'other-one'\npath = 'x.rs'\n";
        fs::write(home.join("Cargo.toml"), manifest).expect("a fresh folder");
        assert_eq!(target_called(home, "other_one"), "other-one");
    }
}

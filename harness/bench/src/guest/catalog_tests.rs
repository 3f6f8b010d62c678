//! Agents as `cargo metadata` tells of them.

use super::*;

#[test]
fn agents_are_found_by_their_folder() {
    let text = r#"{"target_directory":"/w/target","packages":[
        {"name":"caxton-results","description":null,"manifest_path":"/w/harness/results/Cargo.toml",
         "metadata":null,"dependencies":[]},
        {"name":"agent-abi","description":"contract","manifest_path":"/w/agents-wasm/abi/Cargo.toml",
         "metadata":null,"dependencies":[{"path":null}]},
        {"name":"agent-echo","description":"answers","manifest_path":"/w/agents-wasm/echo/Cargo.toml",
         "metadata":{"agent":{"message_sha256":"aa","reply_sha256":"bb"}},
         "dependencies":[{"path":"/w/agents-wasm/abi"},{"path":null}]},
        {"name":"agent-split","manifest_path":"/w/agents-wasm/split/Cargo.toml",
         "metadata":{"agent":{"message_sha256":"cc","reply_sha256":"dd","calibration":true}},
         "dependencies":[]}]}"#;
    let metadata: Metadata = serde_json::from_str(text).expect("valid");
    let agents = agents_of(&metadata, Path::new("/w")).expect("complete");
    assert_eq!(agents.keys().collect::<Vec<_>>(), ["echo", "split"]);
    assert_eq!((agents["echo"].calibration, agents["split"].calibration), (false, true));
    let expected = agents["split"].expected.as_ref().expect("promised");
    assert_eq!(expected.reply_sha256, "dd");
    let folders = [PathBuf::from("/w/agents-wasm/abi"), PathBuf::from("/w/agents-wasm/echo")];
    assert_eq!(agents["echo"].folders, folders);
}

#[test]
fn an_agent_without_an_expected_answer_is_an_error() {
    let text = r#"{"target_directory":"/w/target","packages":[
        {"name":"agent-x","description":null,"manifest_path":"/w/agents-wasm/x/Cargo.toml",
         "metadata":null,"dependencies":[]}]}"#;
    let metadata: Metadata = serde_json::from_str(text).expect("valid");
    let error = agents_of(&metadata, Path::new("/w")).expect_err("incomplete");
    assert!(error.to_string().starts_with("/w/agents-wasm/x/Cargo.toml"), "{error}");
}

#[test]
fn functions_are_found_in_the_library_that_the_bench_calls_so() {
    let text = r#"{"target_directory":"/w/target","workspace_root":"/w","packages":[
        {"name":"own-shop","manifest_path":"/w/own/Cargo.toml","metadata":null,
         "targets":[{"name":"own_shop","kind":["lib"]}],"features":{"fast":[]},
         "dependencies":[{"name":"shop","path":"/w/shop","rename":"store"},
                         {"name":"till","path":"/w/till"}]},
        {"name":"shop","manifest_path":"/w/shop/Cargo.toml","metadata":null,
         "targets":[{"name":"shop","kind":["lib"]}],"dependencies":[]},
        {"name":"till","manifest_path":"/w/till/Cargo.toml","metadata":null,
         "targets":[{"name":"tills","kind":["lib"]}],"dependencies":[]}]}"#;
    let all = parsed(text).expect("valid");
    let mut bench = Bench::new(Path::new("/w/own"), "own-shop", "agents");
    bench.feature("fast");
    let home = |path: &str| {
        let source = function_of(&Function::new(path), &bench, &all).ok()?;
        let AgentOrigin::Function { home, .. } = source.origin else { return None };
        Some((home.library, home.package, home.features))
    };
    let named = |library: &str, package: &str, features: &[&str]| {
        let features = features.iter().map(|&name| name.to_owned()).collect();
        Some((library.to_owned(), package.to_owned(), features))
    };
    assert_eq!(home("own_shop :: f"), named("own_shop", "own-shop", &["fast"]));
    assert_eq!(home("store::f"), named("store", "shop", &[]));
    assert_eq!(home("tills::f"), named("tills", "till", &[]));
    assert_eq!([home("shop::f"), home("till::f")], [None, None]);
}

#[test]
fn agents_whose_files_cargo_would_call_alike_are_refused() {
    let source = |name: &str| AgentSource {
        name: name.to_owned(),
        package: name.to_owned(),
        library: name.replace('-', "_"),
        folders: Vec::new(),
        origin: AgentOrigin::Checkout,
        features: Vec::new(),
        expected: None,
        calibration: false,
    };
    let check = |names: &[&str]| {
        let sources: Vec<AgentSource> = names.iter().map(|name| source(name)).collect();
        check_names(&sources).is_ok()
    };
    assert!(check(&["a", "a-b"]));
    for names in [&["a", "a"][..], &["a-b", "a_b"], &["my agent"], &[""]] {
        assert!(!check(names), "{names:?}");
    }
}

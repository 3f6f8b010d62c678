//! What a build may see of its surroundings, and what it is found by.

use super::*;

/// Every way that cargo has to change what a compiler is told, by a variable.
#[test]
fn what_changes_a_compilers_output_is_kept_away_or_hashed() {
    let dropped = "CARGO_BUILD_RUSTC CARGO_BUILD_RUSTFLAGS CARGO_BUILD_TARGET \
        CARGO_BUILD_TARGET_DIR CARGO_BUILD_INCREMENTAL CARGO_INCREMENTAL \
        CARGO_ENCODED_RUSTFLAGS RUSTFLAGS \
        CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS \
        CARGO_TARGET_WASM32_WASIP1_RUSTFLAGS CARGO_TARGET_WASM32_WASIP1_RUNNER \
        CARGO_TARGET_APPLIES_TO_HOST CARGO_PROFILE_GUEST_OPT_LEVEL \
        CARGO_PROFILE_RELEASE_LTO CARGO_PROFILE_BENCH_DEBUG CARGO_UNSTABLE_BUILD_STD \
        CARGO_RESOLVER_INCOMPATIBLE_RUST_VERSIONS CARGO_TERM_COLOR CARGO_TERM_QUIET \
        RUSTC_BOOTSTRAP LD_PRELOAD MAKEFLAGS GIT_DIR \
        A_VARIABLE_THAT_NOBODY_THOUGHT_OF";
    for name in dropped.split_whitespace() {
        assert_eq!(fate(name), Fate::Dropped, "{name}");
    }
    let hashed = "RUSTC RUSTC_WRAPPER RUSTC_WORKSPACE_WRAPPER CARGO_BUILD_RUSTC_WRAPPER \
        CARGO_BUILD_RUSTC_WORKSPACE_WRAPPER CC CC_wasm32_wasip1 CFLAGS LIBRARY_PATH \
        NIX_LDFLAGS CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER";
    for name in hashed.split_whitespace() {
        assert_eq!(fate(name), Fate::Hashed, "{name}");
    }
    let passed = "PATH HOME CARGO_HOME CARGO_BUILD_JOBS RUSTUP_HOME RUSTUP_TOOLCHAIN \
        CARGO_NET_OFFLINE CARGO_HTTP_CAINFO CARGO_REGISTRIES_MIRROR_INDEX \
        https_proxy HTTPS_PROXY SSL_CERT_FILE NIX_SSL_CERT_FILE";
    for name in passed.split_whitespace() {
        assert_eq!(fate(name), Fate::Passed, "{name}");
    }
}

#[test]
fn what_every_build_is_given_no_surrounding_can_change() {
    for (name, _) in CARGO_VARIABLES {
        assert_eq!(fate(name), Fate::Dropped, "{name}: what is set must not be inherited too");
    }
}

/// The settings of a build in `<home>/a/checkout`, after `text` was put into `file` below `<home>`.
fn with(file: &str, text: &str) -> String {
    let temporary = tempfile::tempdir().unwrap();
    let (checkout, home) = (temporary.path().join("a/checkout"), temporary.path().join("home"));
    fs::create_dir_all(&checkout).unwrap();
    fs::create_dir_all(&home).unwrap();
    let path = temporary.path().join(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
    settings(&checkout, Some(&home), []).unwrap()
}

#[test]
fn cargo_configuration_counts_wherever_cargo_finds_it() {
    let plain = with("a/checkout/README.md", "none");
    let places = [
        "a/checkout/.cargo/config.toml",
        "a/checkout/.cargo/config",
        "a/.cargo/config.toml",
        ".cargo/config.toml",
        "home/config.toml",
        "home/config",
    ];
    for place in places {
        assert_ne!(with(place, "[profile.guest]\nopt-level = 0\n"), plain, "{place}");
        assert_ne!(with(place, "this is no TOML"), plain, "{place}");
    }
    let texts = [
        "[build]\nrustc-wrapper = \"x\"\n",
        "[build]\nrustc = \"x\"\n",
        "[build]\nrustflags = [\"-Copt-level=0\"]\n",
        "[target.x86_64-unknown-linux-gnu]\nlinker = \"x\"\n",
        "[target.'cfg(all())']\nrustflags = [\"-Copt-level=0\"]\n",
        "[profile.release.package.\"*\"]\nopt-level = 0\n",
        "[env]\nRUSTC_BOOTSTRAP = \"1\"\n",
        "[unstable]\nbuild-std = [\"std\"]\n",
        "[patch.crates-io]\nserde = { path = \"/x\" }\n",
        "paths = [\"/x\"]\n",
        "a-table-of-a-later-cargo = 1\n",
    ];
    for text in texts {
        assert_ne!(with(".cargo/config.toml", text), plain, "{text}");
    }
}

#[test]
fn a_mirror_and_manners_change_nothing() {
    let plain = with("a/checkout/README.md", "none");
    let harmless = "[source.crates-io]\nreplace-with = \"mirror\"\n\
                    [source.mirror]\nregistry = \"sparse+https://mirror.invalid/\"\n\
                    [registries.mirror]\nindex = \"sparse+https://mirror.invalid/\"\n\
                    [net]\noffline = true\n[http]\nproxy = \"x\"\n[term]\ncolor = \"always\"\n\
                    [alias]\nb = \"build\"\n";
    assert_eq!(with("home/config.toml", harmless), plain);
}

#[test]
fn what_a_configuration_includes_counts_too() {
    let temporary = tempfile::tempdir().unwrap();
    let home = temporary.path();
    let with = |config: &str, included: &str| {
        fs::write(home.join("config.toml"), config).unwrap();
        fs::write(home.join("more.toml"), included).unwrap();
        settings(&home.join("checkout"), Some(home), []).unwrap()
    };
    for config in [
        "include = \"more.toml\"\n",
        "include = [\"more.toml\"]\n",
        "include = [{ path = \"more.toml\", optional = true }]\n",
    ] {
        let [one, other] = ["0", "3"]
            .map(|level| with(config, &format!("[profile.guest]\nopt-level = {level}\n")));
        assert_ne!(one, other, "{config}");
    }
    // One that includes itself comes to an end.
    with("include = \"more.toml\"\n", "include = \"more.toml\"\n");
    let missing = with("include = \"none.toml\"\n", "");
    assert!(missing.contains("none.toml"), "{missing}");
}

#[test]
fn hashed_variables_are_part_of_the_settings_and_others_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let of = |name: &str| {
        let variable = (name.to_owned(), "x".to_owned());
        settings(folder.path(), None, [variable]).unwrap()
    };
    let plain = of("PATH");
    assert_eq!(of("RUSTFLAGS"), plain);
    assert_ne!(of("CC"), plain);
    // A wrapper that is another program under the same name.
    let wrapped = ["one", "two"].map(|text| {
        fs::write(folder.path().join("x"), text).unwrap();
        of("RUSTC_WORKSPACE_WRAPPER")
    });
    assert_ne!(wrapped[0], wrapped[1]);
}

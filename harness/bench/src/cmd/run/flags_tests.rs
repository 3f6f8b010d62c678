//! Every flag in every suite: used, or refused with the suite that has it.

use super::*;
use std::collections::BTreeSet;

/// The names in [`Args`] of all flags and tasks.
fn names() -> BTreeSet<String> {
    let command = Args::command();
    let tasks = command.get_subcommands().map(|task| task.get_name().to_owned());
    let flags = command.get_arguments().map(|flag| flag.get_id().to_string());
    flags.chain(tasks).collect()
}

const GUEST: &str = "--guest=a.wasm";
const STAGE: &str = "--stage=name=hold,length=1s,rate=5";

/// The flag `name` as a user gives it, with what it needs beside it.
fn words(name: &str) -> Vec<&'static str> {
    match name {
        "selftest" => vec!["selftest"],
        "filters" => vec!["a-filter"],
        "exact" => vec!["--exact", "a-case"],
        "list" => vec!["--list"],
        "dry_run" => vec!["--dry-run"],
        "format" => vec!["--list", "--format=terse"],
        "scale" => vec!["--scale=smoke"],
        "quick" => vec!["--quick"],
        "test" => vec!["--test"],
        "agent" => vec!["--agent=echo"],
        "guest" => vec!["--guest=a.wasm"],
        "memory_limit" => vec!["--memory-limit=1"],
        "out" => vec!["--out=run"],
        "save_baseline" => vec!["--save-baseline=main"],
        "baseline" => vec!["--baseline=main"],
        "baseline_lenient" => vec!["--baseline=main", "--baseline-lenient"],
        "limits" => vec!["--baseline=main", "--limits=limits.toml"],
        "strict" => vec!["--baseline=main", "--strict"],
        "table" => vec!["--baseline=main", "--table"],
        "counts" => vec!["--counts=instructions"],
        "bless_answers" => vec!["--baseline=main", "--bless-answers"],
        "margin" => vec!["--baseline=main", "--margin=0.1"],
        "find" => vec!["--baseline=main", "--find=0.5%"],
        "precision" => vec!["--precision=2%"],
        "budget" => vec!["--budget=1"],
        "relink" => vec!["--relink=1"],
        "until_decided" => vec!["--baseline=main", "--until-decided"],
        "pack" => vec!["--pack=kit"],
        "between" => vec!["--between", "a", "b"],
        "profile" => vec!["--profile=cpu"],
        "profiler" => vec!["--profile=cpu", "--profiler=pprof"],
        "profile_hz" => vec!["--profile=cpu", "--profile-hz=99"],
        "profile_time" => vec!["--profile-time=1"],
        "profile_threads" => vec!["--profile=cpu", "--profile-threads=2"],
        "profile_async" => vec!["--profile=cpu", "--profile-async"],
        "perf_map" => vec!["--profile-time=1", "--perf-map"],
        "full_stacks" => vec!["--profile=cpu", "--full-stacks"],
        "native" => vec![GUEST, "--native=a.so"],
        "invoke" => vec![GUEST, "--invoke=f(1)"],
        "invoke_bytes" => vec![GUEST, "--invoke-bytes=f,malloc"],
        "fresh" => vec![GUEST, "--fresh"],
        "stdin" => vec![GUEST, "--stdin=in.txt"],
        "expect" => vec![GUEST, "--expect=out.txt"],
        "expect_exit" => vec![GUEST, "--expect-exit=1"],
        "dir" => vec![GUEST, "--dir=data::."],
        "dir_rw" => vec![GUEST, "--dir-rw=data"],
        "env" => vec![GUEST, "--env=A=b"],
        "unknown_imports" => vec![GUEST, "--unknown-imports=trap"],
        "args" => vec![GUEST, "--", "-v"],
        "side" => vec!["--side=wasm", "--side=native"],
        "seed" => vec!["--seed=1"],
        "timeout" => vec!["--timeout=1"],
        other => load_words(other),
    }
}

/// [`words`] of the flags of loads.
fn load_words(name: &str) -> Vec<&'static str> {
    match name {
        "plan" => vec!["--plan=plan.toml"],
        "stage" => vec![STAGE],
        "threshold" => vec![STAGE, "--threshold=success rate>0.9"],
        "arrivals" => vec![STAGE, "--arrivals=poisson"],
        "agents" => vec![STAGE, "--agents=1"],
        "message" => vec![STAGE, "--message=1KiB"],
        "slo" => vec![STAGE, "--slo=1s"],
        "cap" => vec![STAGE, "--cap=9"],
        "closed" => vec![STAGE, "--closed=1"],
        "time" => vec!["--time=1s"],
        "program" => vec![STAGE, "--program=cat"],
        "scrape" => vec![STAGE, "--program=cat", "--scrape=http://a/metrics"],
        "resume" => vec!["--resume=run"],
        "plant_leak" => vec!["--plant-leak=64"],
        "restarts" => vec!["--restarts=0"],
        "generators" => vec!["--generators=2"],
        other => shown_words(other),
    }
}

/// [`words`] of the flags that say how a run is shown, and of those for other programs' sake.
fn shown_words(name: &str) -> Vec<&'static str> {
    match name {
        "report" => vec!["--report=full"],
        "verbose" => vec!["--verbose"],
        "quiet" => vec!["--quiet"],
        "color" => vec!["--color=never"],
        "noplot" => vec!["--noplot"],
        "bench" => vec!["--bench"],
        "ignored" => vec!["--list", "--ignored"],
        "nocapture" => vec!["--nocapture"],
        "message_format" => vec!["--message-format=json"],
        other => panic!("say how flag {other} is given, so that each suite can be asked"),
    }
}

/// What becomes of `words` in `suite`.
fn said(suite: &Suite, words: &[&str]) -> Result<Args, String> {
    let words: Vec<OsString> = words.iter().map(OsString::from).collect();
    parse(suite, &words, None).map_err(|error| error.to_string())
}

#[test]
fn each_row_is_of_a_flag_and_of_suites() {
    let known: BTreeSet<&str> = suite::ALL.iter().map(|suite| suite.name).collect();
    let mut seen = BTreeSet::new();
    for (suites, flags) in FLAGS {
        assert!(suites.iter().all(|suite| known.contains(suite)), "{suites:?}");
        for name in flags {
            assert!(names().contains(*name) && seen.insert(name), "{name}");
        }
    }
}

#[test]
fn each_suite_uses_a_flag_or_refuses_it_and_names_the_suite_that_has_it() {
    for name in &names() {
        for suite in suite::ALL {
            let said = said(suite, &words(name));
            if is_used(suite, name) {
                assert!(said.is_ok(), "{} {name}: {said:?}", suite.name);
                continue;
            }
            let refusal = said.expect_err("not used and not refused");
            let start = format!("suite {} does not use ", suite.name);
            assert!(refusal.starts_with(&start), "{} {name}: {refusal}", suite.name);
            let suites = users(name).expect("some suite has it").join(" and ");
            let named = format!("{} (bench {suites})", shown(name));
            assert!(refusal.contains(&named), "{} {name}: {refusal}", suite.name);
        }
    }
}

#[test]
fn flags_that_would_be_ignored_beside_each_other_are_refused() {
    let both: &[&[&str]] = &[
        &["--limits=x"],
        &["--strict"],
        &["--table"],
        &["--counts=instructions", "--profile=cpu"],
        &["--counts=instructions", "--profile-time=1"],
        &["--margin=0.1"],
        &["--baseline-lenient"],
        &["--format=terse"],
        &["--list", "--out=x"],
        &["--list", "--save-baseline=x"],
        &["--list", "--baseline=x"],
        &["--list", "--relink=1"],
        &["--test", "--quick"],
        &["--baseline=x", "--counts", "--margin=0.1"],
        &["--baseline=x", "--counts", "--budget=1"],
        &["--between", "a", "b", "--guest=x"],
        &["--pack=x", "--out=x"],
        &["--profile-time=1", "--baseline=x"],
        &["--profile-time=1", "--save-baseline=x"],
        &["--profile=cpu", "--memory-limit=1"],
    ];
    for words in both {
        assert!(said(&wasm::SUITE, words).is_err(), "{words:?}");
    }
    let loads: &[&[&str]] = &[
        &["--program=cat"],
        &[STAGE, "--scrape=http://a/metrics"],
        &[STAGE, "--program=cat", "--scrape=https://a/metrics"],
        &[STAGE, "--program=cat", "--agents=1"],
        &[STAGE, "--program=cat", "--message=1KiB"],
        &[STAGE, "--program=cat", "--plant-leak=1"],
        &[STAGE, "--closed=1", "--arrivals=poisson"],
        &["--resume=x", "--scale=full"],
        &["--resume=x", "--seed=1"],
        &["--resume=x", "--save-baseline=x"],
        &["--resume=x", "--baseline=x"],
        &["--resume=x", "--list"],
        &["--resume=x", "a-filter"],
        &["--resume=x", "--restarts=1"],
        &["--resume=x", "--generators=2"],
        &[STAGE, "--closed=1", "--generators=2"],
        &[STAGE, "--program=cat", "--restarts=1"],
    ];
    for words in loads {
        assert!(said(&scenarios::SUITE, words).is_err(), "{words:?}");
    }
    // What cargo, nextest and criterion's users say goes together.
    let together: &[&[&str]] = &[
        &["--bench", "--baseline=x", "--margin=0.1", "--budget=1", "--strict", "--table"],
        &["--between", "a", "b", "--table", "--strict", "--limits=x", "--out=o", "json"],
        &["--relink=2", "--margin=0.1"],
        &["--precision=0.02", "--budget=60", "--save-baseline=x"],
        &["wasm/x", "--exact", "--nocapture"],
        &["--list", "--format=terse", "--ignored"],
        &["--bench", "--noplot", "--quick", "--list", "echo"],
        &["--bench", "--test"],
        &["selftest", "--bench"],
    ];
    for words in together {
        assert!(said(&wasm::SUITE, words).is_ok(), "{words:?}: {:?}", said(&wasm::SUITE, words));
    }
}

#[test]
fn how_often_is_refused_where_nothing_heeds_it() {
    let refused: &[&[&str]] = &[
        &["--precision=0"],
        &["--precision=100%"],
        &["--precision=2%", "--baseline=x"],
        &["--precision=2%", "--relink=1"],
        &["--precision=2%", "--profile=cpu"],
        &["--budget=1", "--profile=cpu"],
        &["--budget=1", "--pack=x"],
        &["--until-decided"],
        &["--baseline=x", "--until-decided", "--counts"],
        &["--find=0.5%"],
        &["--baseline=x", "--counts", "--find=0.1"],
    ];
    for words in refused {
        assert!(said(&wasm::SUITE, words).is_err(), "{words:?}");
    }
}

#[test]
fn help_shows_the_suites_own_flags_and_every_exit_code() {
    for suite in suite::ALL {
        let help = command(suite, None).render_long_help().to_string();
        for flag in Args::command().get_arguments().filter(|flag| !flag.is_hide_set()) {
            let Some(long) = flag.get_long() else { continue };
            let is_shown =
                help.contains(&format!("--{long} ")) || help.contains(&format!("--{long}\n"));
            let name = flag.get_id().as_str();
            assert_eq!(is_shown, is_used(suite, name), "{} --{long}\n{help}", suite.name);
        }
        assert_eq!(help.contains("selftest"), suite.name == wasm::SUITE.name, "{help}");
        assert!(help.ends_with(&format!("{}\n", exit::help())), "{help}");
    }
    assert!(
        command(&heap::SUITE, None)
            .render_long_help()
            .to_string()
            .contains("benches scenarios, throughput, wasm")
    );
}

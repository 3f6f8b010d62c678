//! How the answers of the tools are read, and what tango is given to run. The answers are the
//! tools' own words.

use super::*;
use std::os::unix::fs::PermissionsExt;

const TIMES: Times = Times { warm_up: 0.5, measurement: 1.0, tango: 1.0 };

/// What criterion prints with `last` as its verdict.
fn criterion_says(last: &str) -> Option<Verdict> {
    read_criterion(&format!(
        "vm                      time:   [44.244 µs 45.671 µs 47.118 µs]\n                        \
         change: [+0.9491% +2.5959% +4.6446%] (p = 0.01 < 0.05)\n                        {last}\n\
         Found 9 outliers among 100 measurements (9.00%)\n  8 (8.00%) high mild\n"
    ))
}

#[test]
fn criterion_has_four_answers() {
    for (last, verdict) in [
        ("Performance has regressed.", Verdict::Regressed),
        ("Performance has improved.", Verdict::Improved),
        ("Change within noise threshold.", Verdict::Unchanged),
        ("No change in performance detected.", Verdict::Unchanged),
    ] {
        assert_eq!(criterion_says(last), Some(verdict));
    }
    assert_eq!(criterion_says("Performance has been better."), None);
    assert_eq!(read_criterion(""), None);
}

#[test]
fn tango_marks_a_change_with_a_star_and_a_regression_with_its_code() {
    let line = |change: &str| format!("{:50} [  41.5 us ...  42.3 us ]     {change}\n", "vm");
    let read = |change: &str, code: i32| read_tango(&line(change), Some(code));
    assert_eq!(read("+84.62%*", 1), Some(Verdict::Regressed));
    assert_eq!(read("-52.18%*", 0), Some(Verdict::Improved));
    for change in ["+0.62%", "-0.91%", "+17.03%", "+0.00%"] {
        assert_eq!(read(change, 0), Some(Verdict::Unchanged), "{change}");
    }
}

#[test]
fn an_answer_of_tango_that_contradicts_itself_is_none() {
    let line = |change: &str| format!("vm [ 41.5 us ... 42.3 us ] {change}\n");
    let read = |change: &str, code| read_tango(&line(change), code);
    for (change, code) in [
        ("+1.62%*", Some(0)),
        ("-1.62%*", Some(1)),
        ("+1.62%", Some(1)),
        ("+1.62%*", None),
        ("+1.62%?", Some(0)),
        ("1 %", Some(0)),
        ("fast", Some(0)),
    ] {
        assert_eq!(read(change, code), None, "{change} {code:?}");
    }
    assert_eq!(read_tango("", Some(0)), None);
    assert_eq!(read_tango("Error: Benchmark not found\n", Some(1)), None);
    assert_eq!(read_tango("other [ 1 us ... 2 us ] +100.00%*\n", Some(1)), None);
}

#[test]
fn the_copies_of_tango_differ_in_the_number_alone() {
    let folder = tempfile::tempdir().unwrap();
    let tango = folder.path().join("built");
    fs::write(&tango, [b"code".as_slice(), &planted::MARK, &[0; 4], b"more"].concat()).unwrap();
    fs::set_permissions(&tango, fs::Permissions::from_mode(0o755)).unwrap();
    let scratch = folder.path().join("scratch");
    let bench = Bench::new([Path::new("c"), &tango], scratch, &[0, 5], TIMES).unwrap();
    let number = |path: PathBuf| {
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o755);
        assert_eq!(path.as_os_str().len(), bench.tango_old().as_os_str().len());
        let bytes = fs::read(path).unwrap();
        let (before, rest) = bytes.split_at(4 + planted::MARK.len());
        let (number, behind) = rest.split_first_chunk().unwrap();
        assert_eq!((&before[..4], behind), (b"code".as_slice(), b"more".as_slice()));
        u32::from_le_bytes(*number)
    };
    let numbers = [bench.tango_old(), bench.tango_new(0), bench.tango_new(5)].map(number);
    assert_eq!(numbers, [0, 0, 1000]);
}

#[test]
fn an_executable_without_the_mark_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let tango = folder.path().join("built");
    fs::write(&tango, "no mark").unwrap();
    let error = Bench::new([&tango, &tango], folder.path().join("s"), &[5], TIMES).unwrap_err();
    assert!(error.contains("0 times"), "{error}");
}

#[test]
fn a_tool_that_is_not_there_or_fails_is_no_verdict() {
    let scratch = tempfile::tempdir().unwrap();
    let bench = |criterion: &str| Bench {
        criterion: PathBuf::from(criterion),
        scratch: scratch.path().to_owned(),
        times: TIMES,
    };
    assert!(bench("no-such-program").save(0).unwrap_err().starts_with("no-such-program: "));
    assert!(bench("false").save(0).unwrap_err().contains("exit code Some(1)"));
    assert!(bench("true").save(0).is_ok());
    assert!(bench("true").compare(0).unwrap_err().contains("no verdict"));
}

//! Each rule of the joint verdict.

use super::*;
use LimitVerdict::{Met as Clean, Missed as Leak, Unclear as Suspect};
use SeriesClass::{LinearMemory, LiveBytes, LiveCount, Objects, Rss};

/// The joint verdict on series of these classes and verdicts.
fn joint(series: &[(SeriesClass, LimitVerdict)]) -> LimitVerdict {
    let trend = |(class, verdict): &(SeriesClass, LimitVerdict)| {
        let name = format!("{class:?}");
        (*class, Trend { name, verdict: verdict.clone(), judged: None })
    };
    let trends: Vec<(SeriesClass, Trend)> = series.iter().map(trend).collect();
    agree(&trends.iter().map(|(class, trend)| (*class, trend)).collect::<Vec<_>>())
}

fn broken() -> LimitVerdict {
    LimitVerdict::Unknown("gaps".to_owned())
}

fn is_invalid(series: &[(SeriesClass, LimitVerdict)]) -> bool {
    matches!(joint(series), LimitVerdict::Unknown(_))
}

#[test]
fn two_classes_make_a_leak() {
    assert_eq!(joint(&[(LiveBytes, Leak), (LiveCount, Leak), (Rss, Clean)]), Leak);
    // A guest's leak: nothing of it is in the host's allocator.
    let guest = [(LiveBytes, Clean), (LiveCount, Clean), (LinearMemory, Leak), (Rss, Leak)];
    assert_eq!(joint(&guest), Leak);
    assert_eq!(joint(&[(LiveBytes, broken()), (Objects, Leak), (Rss, Leak)]), Leak);
}

#[test]
fn one_class_makes_a_suspect() {
    assert_eq!(joint(&[(LiveBytes, Leak), (LiveCount, Clean)]), Suspect);
    assert_eq!(joint(&[(LiveBytes, Leak), (LiveCount, Suspect), (Rss, Suspect)]), Suspect);
    assert_eq!(joint(&[(Objects, Leak), (Objects, Leak), (LiveBytes, Clean)]), Suspect);
    assert_eq!(joint(&[(LiveBytes, Clean), (LiveCount, Clean), (Rss, Leak)]), Suspect);
    assert_eq!(joint(&[(LiveBytes, Suspect)]), Suspect);
}

#[test]
fn what_was_not_seen_is_not_clean() {
    assert!(is_invalid(&[]));
    assert!(is_invalid(&[(Rss, Clean)]));
    assert!(is_invalid(&[(Rss, Leak)]));
    assert!(is_invalid(&[(LiveBytes, broken()), (LiveCount, broken()), (Rss, Leak)]));
    assert!(is_invalid(&[(LiveBytes, Clean), (LiveCount, broken()), (Rss, Clean)]));
    assert!(is_invalid(&[(LiveBytes, Clean), (Rss, broken())]));
    assert!(is_invalid(&[(Objects, Clean), (Objects, Clean)]));
    let LimitVerdict::Unknown(why) = joint(&[(LiveBytes, broken()), (Rss, Clean)]) else {
        panic!("nothing but the resident set was judged");
    };
    assert_eq!(why, "LiveBytes: gaps");
}

#[test]
fn two_classes_that_are_clean_make_a_clean_run() {
    assert_eq!(joint(&[(LiveBytes, Clean), (LiveCount, Clean)]), Clean);
    assert_eq!(joint(&[(LiveBytes, Clean), (Rss, Clean)]), Clean);
    assert_eq!(joint(&[(LiveBytes, Clean), (LiveCount, Clean), (Rss, broken())]), Clean);
}

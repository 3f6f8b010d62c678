//! The tables of loads, word for word.

use super::*;
use crate::paint::paint;
use crate::sections::Style;
use caxton_fixture::load::loads;
use caxton_fixture::rounded;
use expect_test::expect_file;

#[test]
fn the_report_of_loads_is_as_it_was() {
    let tables = tables(&rounded(loads()));
    let painted: Vec<String> = tables.iter().map(|t| paint(t, &Style::default())).collect();
    expect_file!["./goldens/load.txt"].assert_eq(&painted.join("\n"));
}

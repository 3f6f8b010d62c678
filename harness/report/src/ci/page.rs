//! A page of Markdown that never overflows: GitHub drops a longer one as a whole. What has no room
//! is counted, and the end says so.

use crate::markdown::markdown;
use crate::table::Table;

/// Kept for the line that says what was left out, and for what closes a fold.
const RESERVE: usize = 256;
const LEVEL: usize = 4;

pub(crate) struct Page {
    text: String,
    max: usize,
    left_out: usize,
}

impl Page {
    /// An empty page of at most `max` bytes.
    pub(crate) const fn new(max: usize) -> Self {
        Self { text: String::new(), max, left_out: 0 }
    }

    /// Adds a part as a whole, or counts its lines as left out; true if it was added.
    pub(crate) fn add(&mut self, part: &str) -> bool {
        let fits = self.text.len() + part.len() <= self.max.saturating_sub(RESERVE);
        if fits {
            self.text += part;
        } else {
            self.left_out += part.lines().count();
        }
        fits
    }

    /// Adds the first lines of `text`: as many as there is room for.
    pub(crate) fn lines(&mut self, text: &str) {
        let mut lines = text.split_inclusive('\n');
        while let Some(line) = lines.next() {
            if !self.add(line) {
                self.left_out += lines.count();
                // What comes next is no row of a table that was cut.
                self.text.push('\n');
                break;
            }
        }
    }

    pub(crate) fn tables(&mut self, tables: &[Table]) {
        tables.iter().for_each(|table| self.lines(&markdown(table, LEVEL)));
    }

    /// Adds `table`, folded away under a line.
    pub(crate) fn folded(&mut self, line: &str, table: &Table) {
        if self.add(&format!("<details><summary>{line}</summary>\n\n")) {
            self.lines(&markdown(table, LEVEL));
            self.text += "</details>\n\n";
        }
    }

    pub(crate) fn end(mut self) -> String {
        if self.left_out > 0 {
            let left = self.left_out;
            self.text += &format!("\n_{left} further lines are left out: the artifact has all._\n");
        }
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_is_cut_between_lines_and_says_so() {
        let text = "äöü\n".repeat(100);
        let filled = |max: usize| {
            let mut page = Page::new(max);
            page.lines(&text);
            page.end()
        };
        assert_eq!(filled(700 + RESERVE), text);
        let cut = filled(650 + RESERVE);
        assert!(cut.len() <= 650 + RESERVE && cut.starts_with("äöü\näöü\n"), "{cut}");
        let end = "äöü\n\n\n_8 further lines are left out: the artifact has all._\n";
        assert!(cut.ends_with(end), "{cut}");
    }
}
